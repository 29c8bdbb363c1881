"""The kit's own files: the installer, its two starters, the page to read, and what the installer has to know."""

import json
from pathlib import Path

from minigan import __version__
from minigan.course.kit.targets import SYSTEMS, Target

HERE = Path(__file__).parent


def files(targets: list[Target], extras: tuple[str, ...], unpacked: dict[Target, int]) -> dict[str, str]:
    """The text of each, by its name in the kit. `unpacked`: bytes that the wheels take when installed."""
    facts = {
        "version": __version__,
        "extras": list(extras),
        "targets": [
            {
                "name": str(target),
                "system": SYSTEMS[target.platform].system,
                "machine": SYSTEMS[target.platform].machine,
                "python": target.python,
                "bytes": unpacked[target],
            }
            for target in targets
        ],
    }
    told = "\n".join(f"- {target}: {unpacked[target] / 1e9:.1f} GB of room" for target in targets)
    read = (HERE / "kit.md").read_text(encoding="utf-8").replace("TARGETS", told)
    return {
        "README.md": read,
        "install.py": (HERE / "install.py").read_text(encoding="utf-8"),
        "install.sh": (HERE / "install.sh").read_text(encoding="utf-8"),
        "install.bat": (HERE / "install.bat").read_text(encoding="utf-8").replace("\n", "\r\n"),
        "kit.json": json.dumps(facts, indent=2) + "\n",
    }
