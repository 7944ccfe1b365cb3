"""Readings that cannot be are none: what they would have told is missing, and the rest stays."""

from __future__ import annotations

import math
from pathlib import Path

import pynvml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.errors import ReadFailed
from greencell.meter import Meter
from greencell.running_session import Equipment, Session
from greencell.sources.discovery import Places, discover
from greencell.sources.plausible import MOST_BOARD_W, MOST_SOCKET_W, most_w, read_possible_w
from greencell.testing import (
    FakeClock,
    FakeCounter,
    FakeGauge,
    FakeMachineClock,
    FakeNvml,
    FakeTreeClock,
    PowercapTree,
)
from tests_support import CARBON, HOST, StillThread

ALL_ONES_W = 0xFFFFFFFF / 1e3


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(["gpu", "cpu", "dram"]))
def test_no_power_beyond_what_hardware_draws_is_taken(power_w: float, component: str) -> None:
    """Negative, no number, infinite, too much; whatever the component."""
    gauge = FakeGauge(component=component, power_w=power_w)
    bound_w = most_w(gauge)

    assert bound_w == (MOST_BOARD_W if component == "gpu" else MOST_SOCKET_W)
    if 0.0 <= power_w <= bound_w:
        assert read_possible_w(gauge, bound_w) == power_w
    else:
        with pytest.raises(ReadFailed, match="cannot be"):
            read_possible_w(gauge, bound_w)


def test_a_board_without_a_counter_that_shows_all_ones_is_missing(
    fake: FakeNvml, tmp_path: Path
) -> None:
    """The driver calls it a success; the joules of the CPU stay, and the total is "at least"."""
    tree = PowercapTree(tmp_path / "sys")
    tree.add("package-0", 50.0)
    gpu = fake.add_gpu(100.0)
    fake.fail("nvmlDeviceGetTotalEnergyConsumption", pynvml.NVML_ERROR_NOT_SUPPORTED)
    found = discover(Places(sysfs_root=tmp_path / "sys", nvml=pynvml))
    used = [source for source in found.sources if source.info.component in ("cpu", "gpu")]
    assert [source.info.kind for source in used] == ["counter", "gauge"]
    cpu = FakeTreeClock(1.0)
    machine = FakeMachineClock(cpu)
    clock = FakeClock(cpu.advance, machine.advance, tree.advance, fake.advance)
    session = Session(
        Equipment(Meter(used, cpu, machine, clock), HOST, (), CARBON, "machine", 1.0), clock
    )
    session._sampler = StillThread()  # type: ignore[assignment]  # time here is virtual
    fake.set_power(gpu, ALL_ONES_W)
    session.sample()
    opening = session.open_run("c")
    session.begin(opening)
    for _ in range(20):
        clock.advance(0.1)
        session.sample()
    session.end(opening.run, session.take(), "ok", 1)

    (cell,) = session.cells
    session.close()

    assert "gap" in cell.flags
    assert cell.energy_j is not None
    assert cell.energy_j.value == pytest.approx(100.0, rel=0.01)
    assert "gpu" not in cell.by_component_j


@pytest.mark.parametrize("power_w", [math.nan, -1.0, math.inf, ALL_ONES_W])
def test_one_reading_that_cannot_be_leaves_the_others(power_w: float) -> None:
    """The line between the good ones is drawn, and the cell says that something was missing."""
    counter, gauge = FakeCounter(power_w=20.0), FakeGauge(power_w=70.0)
    tree = FakeTreeClock(1.0)
    machine = FakeMachineClock(tree)
    clock = FakeClock(tree.advance, machine.advance, counter.advance)
    meter = Meter([counter, gauge], tree, machine, clock)
    session = Session(Equipment(meter, HOST, (), CARBON, "machine", 1.0), clock)
    session._sampler = StillThread()  # type: ignore[assignment]  # time here is virtual
    opening = session.open_run("c")
    session.begin(opening)
    for number in range(20):
        gauge.power_w = power_w if number == 10 else 70.0
        clock.advance(0.1)
        session.sample()
    session.end(opening.run, session.take(), "ok", 1)

    (cell,) = session.cells

    assert cell.by_component_j == pytest.approx({"cpu": 40.0, "gpu": 140.0}, rel=0.02)
    assert "gap" in cell.flags
