"""The README's table of costs is what was measured, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests_support import script

costs_table = script("costs_table", "benchmarks")

COSTS: dict[str, Any] = {
    "pair_ms": {"bare": 0.001, "no_page": 0.1, "page": 0.2, "codecarbon": 0.5},
    "pass_cell_ms": {"bare": 2.0, "no_page": 2.2, "page": 2.4},
    "load_ms": 80.0, "modules": 58, "memory_mb": 6.04,
    "background_percent": {"running": 0.2, "idle": 0.01}, "many_cells": 1.0, "block_ms": 0.05,
    "machine": "2 CPUs (Linux)", "python": "3.11.7", "codecarbon": "3.3.2", "date": "2026-11-30",
}  # fmt: skip


def test_the_readme_shows_what_was_measured_last() -> None:
    """Nobody writes into the table by hand: it is rendered from the committed results."""
    text = costs_table.README.read_text(encoding="utf-8")
    assert costs_table.filled(text, costs_table.table(costs_table.read())) == text


def test_the_table_tells_ratios_and_which_aims_were_missed() -> None:
    """Times divided by codecarbon's, or by a bare kernel's, of the same run."""
    table = costs_table.table(COSTS)
    assert (
        "| pair of hooks around a cell, nobody looks, over codecarbon's pair | 0.20 | ≤ 0.20 |"
        in table
    )
    assert "| the same with a page open | 0.40 | ≤ 0.40 |" in table
    assert "| the same with a page open | 1.20 | ≤ 1.15, missed |" in table
    assert (
        "| `%load_ext greencell`, imports included, over codecarbon's pair | 160 | ≤ 167 |" in table
    )
    assert "codecarbon 3.3.2, 0.50 ms in this run: 2 CPUs (Linux), Python 3.11.7" in table


@pytest.mark.parametrize("text", ["", "a\n<!-- costs -->\nb", "a\n<!-- /costs -->\nb"])
def test_a_readme_without_its_marks_is_no_readme(text: str) -> None:
    """The table is never lost in silence."""
    with pytest.raises((ValueError, IndexError)):
        costs_table.filled(text, "table")
