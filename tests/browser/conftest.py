"""A browser, and JupyterLab on a copy of the course, for one module of tests at a time."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import chromium
import labserver
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def pytest_configure() -> None:
    """Stop with a sentence where `make browser` or CI finds no browser."""
    wanted = chromium.EVERYTHING or os.environ.get("CI") == "true"
    if wanted and (reason := chromium.obstacle()):
        raise pytest.UsageError(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line why the tests of this folder were skipped."""
    if reason := chromium.obstacle():
        terminalreporter.write_line(f"tests/browser was skipped: {reason}")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium.launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[labserver.Lab]:
    with labserver.served(tmp_path_factory.mktemp("lab")) as lab:
        yield lab
