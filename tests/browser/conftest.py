"""A browser, and JupyterLab on a copy of the course, for one module of tests at a time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import chromium
import labserver
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium.launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[labserver.Lab]:
    with labserver.served(tmp_path_factory.mktemp("lab")) as lab:
        yield lab
