"""A small dose of what scripts/fuzz.py gives by the million."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

import tests_support


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return tests_support.script("fuzz")


def test_no_input_breaks_a_reader(script: ModuleType, tmp_path: Path) -> None:
    """Requests, counters, settings, session files, leftovers, evidence; two seeds."""
    for seed in (1, 2):
        assert script.fuzz(600, seed, tmp_path) == []


def test_a_reader_that_breaks_is_found(script: ModuleType, tmp_path: Path) -> None:
    """With the input that does it, so that it can be tried again."""

    def broken(rng: object, folder: Path) -> None:
        raise KeyError("x")

    (problem,) = script.fuzz(1, 1, tmp_path, {"broken": broken})
    assert "broken" in problem and "KeyError" in problem
