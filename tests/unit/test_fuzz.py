"""A small dose of what ``make fuzz`` gives by the million, and that a broken reader is found."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fuzzing import readers
from fuzzing.choices import Choices, value

DOSES = {"leftover": 300, "place": 300}
"""Readers of files get fewer."""


def dose(name: str, count: int) -> Iterator[bytes]:
    """Good inputs and bytes by chance, the same every time."""
    rng = random.Random(name)
    yield from readers.seeds(name)
    for _ in range(count):
        yield rng.randbytes(rng.randrange(200))


@contextmanager
def input_told(data: bytes) -> Iterator[None]:
    """Whatever comes, with the input that brought it."""
    try:
        yield
    except Exception as problem:
        raise AssertionError(f"input {data.hex()}") from problem


@pytest.mark.parametrize("name", readers.READERS)
def test_no_input_breaks_a_reader(name: str, tmp_path: Path) -> None:
    """Requests, lines, counters, settings, notebooks, session files, leftovers, places."""
    for data in dose(name, DOSES.get(name, 3_000)):
        with input_told(data):
            readers.READERS[name](Choices(data), tmp_path)


def test_a_reader_that_breaks_is_found(tmp_path: Path) -> None:
    """The one that is broken on purpose, as ``make fuzz`` must find it before anything else."""
    found = []
    for data in dose(readers.CANARY, 3_000):
        try:
            readers.canary(Choices(data), tmp_path)
        except KeyError:
            found.append(data)

    assert found
    with pytest.raises(KeyError):  # the same bytes bring it back
        readers.canary(Choices(found[0]), tmp_path)


def test_every_kind_of_value_is_made() -> None:
    """Bytes by chance reach all that JSON knows, halves of characters, and what is not finite."""
    made = [value(Choices(data)) for data in dose("value", 2_000)]

    assert {type(one) for one in made} >= {dict, list, str, float, int, bool, type(None)}
    assert any(isinstance(one, float) and math.isnan(one) for one in made)
    assert any(
        "\ud800" <= character <= "\udfff"
        for one in made
        if isinstance(one, str)
        for character in one
    )


def test_bytes_that_end_end_every_choice() -> None:
    """No input hangs: where nothing is left, the first option is taken."""
    assert value(Choices(b"")) is None
    assert not Choices(b"").in_256(255)
