"""What goes into an interval, and how it adds up."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.attribution import Portion, whole
from greencell.model import SourceInfo
from greencell.uncertainty import Account, Figure, figure


def source(
    component: str = "cpu", error: float = 0.03, *, model: bool = False, node: bool = False
) -> SourceInfo:
    return SourceInfo(
        f"test:{component}", component, "model" if model else "counter",
        "estimated" if model else "measured", 0.001, 1e-6, error,
        0.5 if model else 1.0, 2.0 if model else 1.0, scope="node" if node else "component",
    )  # fmt: skip


def figured(
    *parts: tuple[SourceInfo, Portion | None], edges_j: float = 0.0, peak_w: float = 0.0
) -> Figure:
    account = Account(len(parts), [edges_j**2] * len(parts))
    account.add([portion for _, portion in parts])
    return figure(account, [info for info, _ in parts], [peak_w] * len(parts))


def test_the_gain_of_one_meter_is_twice_its_standard_error() -> None:
    """3 % standard uncertainty: ± 6 %."""
    energy_j = figured((source(), whole(100.0))).energy_j

    assert energy_j is not None
    assert (energy_j.low, energy_j.value, energy_j.high) == pytest.approx((94.0, 100.0, 106.0))


def test_different_meters_err_apart_and_one_meter_errs_alike() -> None:
    """Package and memory in quadrature; two cells on the same package linearly."""
    apart = figured((source(), whole(20.0)), (source("dram", 0.10), whole(3.0))).energy_j
    account = Account(1)
    account.add([whole(10.0)])
    account.add([whole(10.0)])
    alike = figure(account, [source()], [0.0]).energy_j

    assert apart is not None and alike is not None
    assert apart.high - apart.value == pytest.approx(2 * math.hypot(0.6, 0.3))
    assert alike.high - alike.value == pytest.approx(2 * 0.6)


def test_edges_count_once_for_a_session_and_once_for_each_cell() -> None:
    """A thousand cells in a row blur the session no more than its own two ends."""
    session = Account(1, [4.0])
    for _ in range(1_000):
        session.merge(Account(1, [25.0]))
        session.add([whole(10.0)])

    energy_j = figure(session.up_to([4.0]), [source(error=0.0)], [0.0]).energy_j

    assert energy_j is not None
    assert energy_j.high - energy_j.value == pytest.approx(2 * math.sqrt(8.0))


def test_a_model_multiplies_and_a_bound_is_no_distribution() -> None:
    """0.5 to 2 times; the bounds of the attribution stand as they are."""
    portion = Portion(100.0, 50.0, 40.0, 60.0)

    energy_j = figured((source(model=True), portion)).energy_j

    assert energy_j is not None
    assert (energy_j.low, energy_j.high) == pytest.approx((20.0, 120.0))


def test_what_is_missing_raises_the_high_end_only() -> None:
    """Two seconds unseen, at most as much as was seen at its peak."""
    portion = Portion(100.0, 100.0, 100.0, 100.0, missing_s=2.0)

    energy_j = figured((source(error=0.0), portion), peak_w=50.0).energy_j

    assert energy_j is not None
    assert (energy_j.low, energy_j.value, energy_j.high) == pytest.approx((100.0, 100.0, 200.0))


def test_nothing_seen_is_unknown_and_not_zero() -> None:
    """A span in which all reads failed has no energy; beside others it is left out of the sum."""
    unseen = Portion(0.0, 0.0, 0.0, 0.0, missing_s=3.0)

    assert figured((source(), unseen)).energy_j is None
    both = figured((source(), whole(10.0)), (source("gpu"), unseen), peak_w=100.0)
    assert both.energy_j is not None
    assert both.by_component_j == {"cpu": 10.0}
    assert both.energy_j.high >= 10.0 + 300.0


def test_edges_wider_than_half_the_figure_make_it_a_bound() -> None:
    """Too short for the meter: only the high end says something."""
    assert figured((source(), whole(10.0)), edges_j=6.0).too_short
    assert not figured((source(), whole(10.0)), edges_j=4.0).too_short


def test_the_whole_machine_stands_beside_the_sum_if_it_holds_its_parts() -> None:
    """psys of 30 W over parts of 20 W is shown and not added; of 15 W it is something else."""
    parts = (source(), whole(20.0))

    good = figured(parts, (source("node", node=True), whole(30.0)))
    odd = figured(parts, (source("node", node=True), whole(15.0)))

    assert good.energy_j is not None and good.energy_j.value == 20.0
    assert (good.node_j, odd.node_j) == (30.0, None)
    assert good.by_component_j == {"cpu": 20.0}


@pytest.mark.parametrize(("missing_s", "shown_j"), [(0.7, 30.0), (0.8, None)])
def test_of_the_whole_machine_hardly_anything_may_be_missing(
    missing_s: float, shown_j: float | None
) -> None:
    """At up to 2 W, 0.7 s may be less than 5 % of 30 J."""
    holed = replace(whole(30.0), missing_s=missing_s)

    assert figured((source("node", node=True), holed), peak_w=2.0).node_j == shown_j


joules = st.floats(0, 1e6)


@given(joules, st.floats(0, 1), st.floats(0, 1), joules, st.floats(0, 0.5), st.floats(0, 100))
def test_low_value_and_high_are_in_order(
    machine_j: float, share: float, down: float, edges_j: float, error: float, missing_s: float
) -> None:
    """Whatever was added up."""
    kernel_j = share * machine_j
    portion = Portion(
        machine_j, kernel_j, down * kernel_j, machine_j, machine_j - kernel_j, 1.0, 2.0, missing_s
    )

    energy_j = figured((source(error=error), portion), edges_j=edges_j, peak_w=10.0).energy_j

    if energy_j is not None:
        assert 0 <= energy_j.low <= energy_j.value <= energy_j.high
