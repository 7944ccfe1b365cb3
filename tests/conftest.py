"""Fixtures of more than one file."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest

from greencell.testing import FakeNvml, NoCompiler


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and so would all that tests start and interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def nvml_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the simulated library is compiled, once for all tests."""
    return tmp_path_factory.mktemp("nvml")


@pytest.fixture
def fake(nvml_folder: Path) -> Iterator[FakeNvml]:
    """Simulated GPUs behind the real bindings."""
    try:
        library = FakeNvml(nvml_folder)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    library.install(pynvml)
    yield library
    library.heal()
    library.uninstall(pynvml)
