"""Long sessions and odd clocks: figures stay right, and memory stays small."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from tests_support import Bench

MAX_BYTES_PER_CELL = 1_024


def test_a_cell_that_ended_takes_less_than_a_kilobyte() -> None:
    """What the kernel keeps of each, once its figures are final."""
    bench = Bench.make()
    bench.cell(0.2)
    count = 2_000
    tracemalloc.start()
    try:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            opening = bench.session.open_run("0123456789abcdef")
            bench.session.begin(opening)
            bench.clock.advance(0.05)
            bench.session.end(opening.run, bench.session.take(), "ok", 1)
            bench.pass_time(0.1)
        bench.pass_time(300.0)  # what is needed of the meters' past is for a while
        bench.session.settle(force=True)
        bench.session._unsent.clear()
        gc.collect()
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert len(bench.session.cells) == count + 1
    assert used / count < MAX_BYTES_PER_CELL


def test_ten_thousand_cells_add_up() -> None:
    """To the last digits, in the document too."""
    bench = Bench.make()
    for _ in range(10_000):
        opening = bench.session.open_run("c")
        bench.session.begin(opening)
        bench.clock.advance(0.01)
        bench.session.end(opening.run, bench.session.take(), "ok", 1)
        bench.session.sample()

    document = bench.session.to_dict()
    totals = document["totals"]

    assert totals["cells"] == len(document["cells"]) == 10_000
    cells_kwh = sum(cell["energy_kwh"] for cell in document["cells"])
    assert totals["cells_energy_kwh"] == pytest.approx(cells_kwh, rel=1e-9)
    assert totals["energy_kwh"] == pytest.approx(
        totals["cells_energy_kwh"] + totals["between_cells_energy_kwh"], rel=1e-9
    )


def test_a_cell_of_a_day() -> None:
    """90 W for 24 h, sampled each second, wraps of the counter and all: 7.776 MJ."""
    bench = Bench.make()
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    for _ in range(24 * 60):
        for _ in range(60):
            bench.clock.advance(1.0)
            bench.session.sample()
    bench.session.end(opening.run, bench.session.take(), "ok", 1)

    (record,) = bench.session.cells
    assert record.duration_s == pytest.approx(86_400.0)
    assert record.energy_j is not None
    assert record.energy_j.value == pytest.approx(90.0 * 86_400.0, rel=1e-6)
    assert record.flags == ()


@pytest.mark.parametrize("step_s", [-86_400.0, -3.0, 3.0, 86_400.0])
def test_a_wall_clock_that_is_set_changes_no_figure(step_s: float) -> None:
    """Durations and energies come from clocks that nobody sets."""
    bench = Bench.make()
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    bench.pass_time(5.0)
    bench.clock.set_wall(step_s)
    bench.pass_time(5.0)
    bench.session.end(opening.run, bench.session.take(), "ok", 1)

    (record,) = bench.session.cells
    assert record.duration_s == pytest.approx(10.0)
    assert record.energy_j is not None
    assert record.energy_j.value == pytest.approx(900.0, rel=1e-3)
    assert record.energy_j.low >= 0 and record.flags == ()
