"""Stated intervals hold the truth: random sessions in virtual time, the benchmark's in small."""

from __future__ import annotations

import pytest
from scenarios import Outcome, simulate, summarise

SESSIONS = 150
LEAST = 0.92
"""Well below the aim of 95 %, which a sample of this size may miss by chance."""


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [simulate(seed) for seed in range(SESSIONS)]


def test_intervals_hold_the_truth(outcomes: list[Outcome]) -> None:
    summary = summarise(outcomes)

    everything = summary["kinds"]["all"]
    assert everything["cells"] > 3 * SESSIONS
    assert everything["covered"] >= LEAST
    assert everything["sessions_covered"] >= LEAST
    assert summary["median_half_width"] <= 0.08  # not by being wide


def test_sums_hold_in_every_session(outcomes: list[Outcome]) -> None:
    """Cells and gaps make the session, attributed, others and idle the machine, to 1e-9."""
    assert [(outcome.seed, outcome.violations) for outcome in outcomes if outcome.violations] == []


def test_a_scenario_follows_from_its_seed() -> None:
    assert simulate(3) == simulate(3)
