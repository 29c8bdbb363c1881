"""Is this machine ready for the course? What it has, what is missing and its remedy, how long the chapters take.

It must speak on a broken installation too, so everything that can be broken is imported inside the check that needs it.
"""

from collections.abc import Callable, Iterable

from minigan.course.chapters import Timing, chapters, timings
from minigan.course.doctor import installation, machine
from minigan.course.doctor.findings import Examination, Finding
from minigan.course.doctor.limits import limits
from minigan.course.doctor.places import place, whereabouts

__all__ = ["Examination", "Finding", "examine", "predict"]


def examine() -> Examination:
    """Look at everything, in about ten seconds. A check that fails by itself becomes a finding."""
    where, allowed = place(), limits()
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "place": lambda: whereabouts(where),
        "Python": lambda: installation.python(where),
        "packages": lambda: installation.packages(where),
        "environment": installation.environment,
        "device": lambda: machine.device(allowed),
        "data": installation.data,
        "weights": installation.weights,
        "disk": machine.disk,
        "memory": lambda: machine.memory(where, allowed),
        "notebooks": installation.notebooks,
    }
    findings: list[Finding] = []
    for what, check in checks.items():
        try:
            findings += check()
        except Exception as error:
            findings.append(Finding(what, f"{type(error).__name__}: {error}", "blocks", where.install))
    findings.append(Finding("network", "not needed: data and weights come with minigan"))
    try:
        from minigan.course.probe import speeds
        from minigan.course.scale import scale

        measured = speeds()
        seconds = predict(timings(), scale(), max(measured.values()))
        return Examination(findings + machine.load(measured, where), scale(), seconds)
    except Exception:  # torch is broken, and is among the findings
        return Examination(findings, "unknown", {})


def predict(taken: dict[str, dict[str, Timing]], scale: str, speed: float) -> dict[str, float | None]:
    """Return the seconds that each chapter will take on a machine whose probe gives `speed` steps per second."""
    seconds: dict[str, float | None] = {}
    for chapter in chapters():
        timing = taken.get(chapter.name, {}).get(scale)
        seconds[chapter.name] = round(timing["seconds"] * timing["probe"] / speed, 1) if timing else None
    return seconds
