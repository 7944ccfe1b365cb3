"""Every joule once: for any sequence of cells, wraps, resets and lost reads."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greencell.document import session_document
from greencell.model import CarbonFactor, CarbonInfo
from tests_support import Bench

Action = tuple[str, float]
actions = st.lists(
    st.tuples(
        st.sampled_from(["cell", "gap", "power", "fail", "heal", "reset", "nested", "sleep"]),
        st.floats(0.001, 2.0),
    ),
    max_size=40,
)


def perform(bench: Bench, plan: list[Action]) -> None:
    for name, amount in plan:
        if name == "cell":
            bench.cell(amount)
        elif name == "gap":
            bench.pass_time(amount)
        elif name == "power":
            bench.counter.power_w = 50.0 * amount
        elif name == "fail":
            bench.counter.failing = True
        elif name == "heal":
            bench.counter.failing = False
        elif name == "reset":
            bench.counter.reset()
        elif name == "sleep":
            bench.clock.sleep_machine(amount)
        else:
            outer = bench.session.open_run("outer")
            bench.session.begin(outer)
            inner = bench.session.open_run(None, outer.run)
            bench.session.begin(inner)
            bench.pass_time(amount)
            bench.session.end(inner.run, bench.session.take(), "error", 2)
            bench.session.end(outer.run, bench.session.take(), "ok", 2)


@given(actions, st.sampled_from(["machine", "kernel"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_totals_are_the_sum_of_cells_and_gaps(plan: list[Action], attribution: str) -> None:
    """To 1e-9, whatever happened; and every number of the document is finite and in order."""
    bench = Bench.make(attribution)
    perform(bench, plan)

    document = session_document(bench.session.view(live=False))
    bench.session.settle()
    document = bench.session.to_dict()

    totals = document["totals"]
    cells = [c["energy_kwh"] or 0.0 for c in document["cells"] if c["parent"] is None]
    assert totals["cells_energy_kwh"] == pytest.approx(math.fsum(cells), rel=1e-9, abs=1e-18)
    assert totals["energy_kwh"] == pytest.approx(
        totals["cells_energy_kwh"] + totals["between_cells_energy_kwh"], rel=1e-9, abs=1e-18
    )
    assert totals["cells"] == len(cells)
    for item in [totals, *document["cells"]]:
        if item["energy_kwh"] is not None:
            assert 0 <= item["energy_low_kwh"] <= item["energy_kwh"] <= item["energy_high_kwh"]
            assert 0 <= item["co2_low_kg"] <= item["co2_kg"] <= item["co2_high_kg"]
            assert item["machine_energy_kwh"] == pytest.approx(
                item["energy_kwh"] + item["others_energy_kwh"] + item["idle_energy_kwh"],
                rel=1e-9, abs=1e-15,
            )  # fmt: skip
    check_finite(document)


@given(
    st.lists(
        st.tuples(st.sampled_from(["cell", "gap", "power"]), st.floats(0.001, 2.0)), max_size=30
    )
)
@settings(max_examples=100, deadline=None)
def test_the_session_is_the_counter_wraps_included(plan: list[Action]) -> None:
    """A counter that wraps every 40 J, arbitrary splits: the total is the truth."""
    bench = Bench.make()
    before_j = bench.counter.true_j
    perform(bench, plan)
    bench.session.sample()

    by_component = bench.session.view(live=False).totals.by_component_j

    assert by_component["cpu"] == pytest.approx(bench.counter.true_j - before_j, abs=1e-5)


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=20), st.data())
@settings(max_examples=60, deadline=None)
def test_lost_reads_lose_no_energy(lengths: list[float], data: st.DataObject) -> None:
    """Reads that fail in between are covered by the next good one."""
    bench = Bench.make(range_units=None)
    before_j = bench.counter.true_j
    for length in lengths:
        bench.counter.failing = data.draw(st.booleans())
        bench.cell(length)
    bench.counter.failing = False
    bench.session.sample()

    by_component = bench.session.view(live=False).totals.by_component_j

    assert by_component["cpu"] == pytest.approx(bench.counter.true_j - before_j, abs=1e-5)


def test_a_failed_read_never_becomes_a_number() -> None:
    """+10 J, one missing read, +20 J: 30 J with the gap marked, never a phantom wrap."""
    bench = Bench.make(range_units=262_143_328_850)
    bench.session.sample()
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    bench.counter.power_w = 10.0
    bench.clock.advance(1.0)
    bench.session.sample()
    bench.counter.failing = True
    bench.session.sample()
    bench.counter.failing = False
    bench.counter.power_w = 20.0
    bench.clock.advance(1.0)
    bench.session.end(opening.run, bench.session.take(), "ok", 1)

    (cell,) = bench.session.cells

    assert cell.by_component_j["cpu"] == pytest.approx(30.0, abs=1e-6)
    assert "gap" in cell.flags


def test_a_cell_without_any_good_read_is_unknown_not_zero() -> None:
    """If no source could be read, the energy is null and flagged."""
    bench = Bench.make()
    bench.counter.failing = bench.gauge.failing = True
    bench.cell(1.0)

    (cell,) = bench.session.cells

    assert cell.energy_j is None
    assert "gap" in cell.flags
    assert bench.session.to_dict()["cells"][0]["energy_kwh"] is None


def test_a_source_that_is_gone_is_marked_and_the_rest_goes_on() -> None:
    """A GPU that falls off the bus: flagged lost, the CPU still counts."""
    bench = Bench.make()
    bench.gauge.gone = True
    bench.cell(1.0)

    (cell,) = bench.session.cells

    assert cell.by_component_j["cpu"] == pytest.approx(20.0, abs=1e-5)
    assert "gpu" not in cell.by_component_j
    assert "lost" in cell.flags
    assert any(notice.id == "lost:fake:gauge" for notice in bench.session.notices())


def test_cells_at_the_same_time_share_each_slice() -> None:
    """Two subshell cells over the same second: half each, flagged, the sum is the machine's."""
    bench = Bench.make()
    first, second = bench.session.open_run("a"), bench.session.open_run("b")
    bench.session.begin(first)
    bench.session.begin(second)
    bench.pass_time(1.0)
    for opening in (second, first):
        bench.session.end(opening.run, bench.session.take(), "ok", 1)

    cells = bench.session.cells

    assert [c.energy_j.value for c in cells if c.energy_j] == pytest.approx([45.0, 45.0])
    assert all("concurrent" in c.flags for c in cells)
    for cell in cells:
        assert cell.energy_j is not None
        assert cell.energy_j.low == 0.0
        assert 90.0 <= cell.energy_j.high <= 110.0
    totals = bench.session.view(live=False).totals.energy_j
    assert totals.high - totals.low < 0.2 * totals.value  # what is told of both together


@given(
    st.lists(st.floats(0.0, 200.0), min_size=3, max_size=3),
    st.floats(0.0, 1.0),
)
@settings(max_examples=40, deadline=None)
def test_what_overlapping_cells_used_lies_in_their_intervals(
    powers_w: list[float], of_first: float
) -> None:
    """One alone, both, the other alone: whoever of the two caused what was used meanwhile."""
    bench = Bench.make()
    first, second = bench.session.open_run("a"), bench.session.open_run("b")
    used_j = []

    def pass_second(power_w: float) -> None:
        before_j = bench.counter.true_j + bench.gauge.true_j
        bench.counter.power_w = power_w
        bench.pass_time(1.0)
        used_j.append(bench.counter.true_j + bench.gauge.true_j - before_j)

    bench.session.begin(first)
    pass_second(powers_w[0])
    bench.session.begin(second)
    pass_second(powers_w[1])
    bench.session.end(first.run, bench.session.take(), "ok", 1)
    pass_second(powers_w[2])
    bench.session.end(second.run, bench.session.take(), "ok", 2)

    cells = {cell.run: cell.energy_j for cell in bench.session.cells}
    truth_j = {
        first.run: used_j[0] + of_first * used_j[1],
        second.run: (1.0 - of_first) * used_j[1] + used_j[2],
    }
    for run, true_j in truth_j.items():
        energy_j = cells[run]
        assert energy_j is not None
        assert energy_j.low - 1e-4 <= true_j <= energy_j.high + 1e-4


def test_a_nested_run_is_in_no_sum() -> None:
    """%%capture: one top-level record, the total is the outer's alone."""
    bench = Bench.make()
    perform(bench, [("nested", 1.0)])

    document = bench.session.to_dict()
    inner, outer = sorted(document["cells"], key=lambda cell: cell["number"], reverse=True)

    assert inner["parent"] == outer["number"]
    assert outer["parent"] is None
    assert document["totals"]["cells_energy_kwh"] == outer["energy_kwh"]


def test_pause_counts_nothing_and_reset_starts_afresh() -> None:
    """What passes while paused is nobody's; a reset session has no cells and a new id."""
    bench = Bench.make()
    bench.cell(1.0)
    bench.session.pause()
    bench.pass_time(5.0)
    bench.session.resume()
    before = bench.session.view(live=False)
    assert before.totals.energy_j.value == pytest.approx(90.0, rel=1e-6)

    bench.session.reset(keep_running=False)

    after = bench.session.view(live=False)
    assert after.id != before.id
    assert after.cells == ()
    assert after.totals.energy_j.value == 0.0


def test_a_zone_change_half_way_sums_exactly() -> None:
    """Cells keep the zone they ran under; the total is the sum of both."""
    bench = Bench.make()
    bench.cell(1.0)
    elsewhere = CarbonInfo(CarbonFactor("PL", 600.0), "Poland", "b", 2025, "s", "setting")
    bench.session.set_carbon(elsewhere)
    bench.cell(1.0)

    document = bench.session.to_dict()

    assert [c["zone"] for c in document["cells"]] == ["FR", "PL"]
    assert document["totals"]["co2_kg"] == pytest.approx(
        sum(c["co2_kg"] for c in document["cells"]), rel=1e-9
    )


def test_sleep_of_the_machine_is_flagged() -> None:
    """A laptop that slept in a cell: the record says so."""
    bench = Bench.make()
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    bench.clock.sleep_machine(60.0)
    bench.clock.advance(0.1)
    bench.session.end(opening.run, bench.session.take(), "ok", 1)

    assert "suspended" in bench.session.cells[0].flags


def check_finite(value: object) -> None:
    if isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, dict):
        for item in value.values():
            check_finite(item)
    elif isinstance(value, list):
        for item in value:
            check_finite(item)
