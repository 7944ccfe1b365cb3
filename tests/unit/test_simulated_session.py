"""A whole session on a simulated powercap tree and simulated GPUs, against their truth."""

from __future__ import annotations

from pathlib import Path

import pynvml
import pytest
from scenarios import StillThread

from greencell.meter import Meter
from greencell.model import CarbonFactor, CarbonInfo, HostInfo
from greencell.running_session import Equipment, Session
from greencell.sources.discovery import Places, discover
from greencell.testing import (
    FakeClock,
    FakeCounter,
    FakeMachineClock,
    FakeNvml,
    FakeTreeClock,
    PowercapTree,
)

CARBON = CarbonInfo(CarbonFactor("FR", 41.4), "France", "annual average", 2025, "test", "setting")


def test_the_session_is_within_a_thousandth_of_the_truth(fake: FakeNvml, tmp_path: Path) -> None:
    """Two sockets with memory, two GPUs, wraps included, read by the real code and bindings."""
    tree = PowercapTree(tmp_path / "sys")
    for socket in (0, 1):
        # So small a range wraps every few seconds at these powers.
        tree.add(f"package-{socket}", 90.0, range_uj=1_000_000_000, start_uj=900_000_000 + socket)
        tree.add("dram", 12.0, parent=f"package-{socket}", key=f"dram-{socket}")
    gpus = [fake.add_gpu(300.0), fake.add_gpu(70.0)]
    found = discover(Places(sysfs_root=tmp_path / "sys", nvml=pynvml))
    assert len(found.sources) == 6
    cpu = FakeTreeClock(1.0)
    machine = FakeMachineClock(cpu)
    clock = FakeClock(cpu.advance, machine.advance, tree.advance, fake.advance)
    meter = Meter(found.sources, cpu, machine, clock)
    session = Session(Equipment(meter, found.host, found.skipped, CARBON, "machine", 1.0), clock)
    before_j = tree.true_j() + sum(map(fake.true_j, gpus))

    for cell in range(60):
        opening = session.open_run(f"c{cell}")
        session.begin(opening)
        tree.set_power("package-0", 40.0 + cell)
        fake.set_power(gpus[0], 70.0 + 10 * cell)
        for _ in range(cell % 5 + 1):
            clock.advance(0.31)
            session.sample()
        session.end(opening.run, session.take(), "ok", cell)
        clock.advance(0.2)
        session.sample()

    true_j = tree.true_j() + sum(map(fake.true_j, gpus)) - before_j
    totals = session.view(live=False).totals
    assert totals.energy_j.value == pytest.approx(true_j, rel=1e-3)
    assert totals.provenance == "measured"
    assert totals.energy_j.low <= true_j <= totals.energy_j.high
    assert session.id
    session.close()
    tree.close()


def _one_counter(period_s: float) -> tuple[Session, FakeClock, FakeCounter]:
    cpu = FakeTreeClock(1.0)
    machine = FakeMachineClock(cpu)
    counter = FakeCounter(power_w=50.0, period_s=period_s)
    clock = FakeClock(cpu.advance, machine.advance, counter.advance)
    meter = Meter([counter], cpu, machine, clock)
    host = HostInfo("Linux", "simulated", 4, 8.0, (), virtual=False)
    session = Session(Equipment(meter, host, (), CARBON, "machine", 1.0), clock)
    session._sampler = StillThread()  # type: ignore[assignment]
    return session, clock, counter


def _samples(session: Session, clock: FakeClock, seconds: float, step_s: float) -> None:
    for _ in range(round(seconds / step_s)):
        clock.advance(step_s)
        session.sample()


def test_a_counter_that_stands_still_at_a_cells_end_is_stale() -> None:
    """No tick in 50 ms of a counter that ticks every ms: the figure is only a lower bound."""
    session, clock, counter = _one_counter(0.001)
    _samples(session, clock, 0.5, 0.0003)
    opening = session.open_run("c")
    session.begin(opening)
    _samples(session, clock, 0.3, 0.1)
    counter.power_w = 0.0  # what it draws from now on it does not count
    _samples(session, clock, 0.4, 0.1)
    session.end(opening.run, session.take(), "ok", 1)
    _samples(session, clock, 0.3, 0.01)

    (cell,) = session.cells
    assert "stale" in cell.flags
    assert cell.energy_j is not None
    assert cell.energy_j.high >= 0.7 * 50.0
    session.close()


def test_a_read_that_fails_at_the_edge_is_made_up_for_by_the_next_one() -> None:
    session, clock, counter = _one_counter(0.001)
    _samples(session, clock, 0.5, 0.0003)
    opening = session.open_run("c")
    session.begin(opening)
    clock.advance(0.4)
    counter.failing = True
    session.end(opening.run, session.take(), "ok", 1)
    counter.failing = False
    _samples(session, clock, 0.05, 0.0003)

    (cell,) = session.cells
    assert cell.energy_j is not None
    assert cell.energy_j.value == pytest.approx(0.4 * 50.0, rel=0.01)
    assert "gap" in cell.flags
    session.close()


def test_a_reset_that_is_seen_after_a_cells_end_is_told_to_the_cell_too() -> None:
    """A slow counter is not read at the edges: what lies between two readings is both's."""
    session, clock, counter = _one_counter(0.05)
    session._meter._slow = frozenset({0})
    _samples(session, clock, 0.5, 0.01)
    session._meter._slow = frozenset({0})
    opening = session.open_run("c")
    session.begin(opening)
    clock.advance(0.4)
    counter.reset()
    session._meter._slow = frozenset({0})
    session.end(opening.run, session.take(), "ok", 1)
    clock.advance(0.05)
    _samples(session, clock, 0.5, 0.01)

    (cell,) = session.cells
    assert "gap" in cell.flags
    session.close()
