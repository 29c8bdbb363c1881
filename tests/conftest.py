"""What several tests share: no network, an own cache, the command line, error messages, a repository to build."""

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

MODULE = '''"""A module."""

import math

LEVELS = {
    "low": 0.0,  # a comment that stays
}


@staticmethod
def twice(x):
    """Return 2x."""
    # why
    return 2 * x


def thrice(x):
    return 3 * x


def _private():
    return math.pi
'''

SOURCE = """# %% [markdown]
# # A chapter

# %%
def staticmethod(f): return f
x = 1

# %% minigan="tiny"
# LEVELS, twice

# %% [markdown]
# ## Counting

# %%
print(twice(x))
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one library module and one chapter, not built."""
    (tmp_path / "minigan" / "course").mkdir(parents=True)
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    (tmp_path / "minigan" / "tiny.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "notebooks" / "src" / "07_tiny.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches beyond this machine: what forgets to fake its download fails at once."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo
    local = ("127.0.0.1", "::1", "localhost", None)

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in local:
            raise OSError(f"a test wants to reach {address}")
        connect(self, address)

    def look_up_here(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in local:
            raise OSError(f"a test wants to reach {host}")
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Downloads and decoded pictures go to a folder of this test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("MINIGAN_CACHE", str(folder))
    return folder


@pytest.fixture
def refuses() -> Callable[..., AbstractContextManager[None]]:
    """`with refuses(ValueError, "got", "expected", "remedy"):` one line holds these parts, in this order."""

    @contextmanager
    def check(kind: type[Exception], *parts: str) -> Iterator[None]:
        with pytest.raises(kind) as caught:
            yield
        message, place = str(caught.value), 0
        assert "\n" not in message, message
        for part in parts:
            assert part in message[place:], f"{part!r} is not in its place in {message!r}"
            place = message.index(part, place) + len(part)

    return check


@pytest.fixture
def minigan(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run the whole command line in this process: (exit code, stdout, stderr)."""

    from minigan import cli

    def run(*arguments: Any) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["minigan", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdout", sys.stdout)
        with pytest.raises(SystemExit) as stop:
            cli.main()
        told = capsys.readouterr()
        code = stop.value.code or 0
        assert isinstance(code, int), code
        return code, told.out, told.err

    return run


@pytest.fixture
def refused(minigan: Callable[..., tuple[int, str, str]]) -> Callable[..., None]:
    """Run a command that must fail with 2, a sentence with these parts and nothing else."""

    def run(*arguments: Any, parts: tuple[str, ...]) -> None:
        code, _, complained = minigan(*arguments)
        sentence = complained.splitlines()[-1]
        assert (code, "Traceback" in complained) == (2, False), complained
        assert complained.count("minigan: ") == 1
        place = 0
        for part in ("minigan: ", *parts):
            assert part in sentence[place:], f"{part!r} is not in its place in {sentence!r}"
            place = sentence.index(part, place) + len(part)

    return run
