"""Every fault of the kit in the middle of a cell, on simulated hardware under the real sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pynvml
import pytest

from greencell.meter import Meter
from greencell.model import INCOMPLETE, CellRecord
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
from greencell.wire import power_object
from tests_support import CARBON, HOST, StillThread

_ENERGY = "nvmlDeviceGetTotalEnergyConsumption"


@dataclass
class Machine:
    """One package of 40 W and one GPU of 100 W, with a session that counts them."""

    tree: PowercapTree
    gpus: FakeNvml
    clock: FakeClock
    session: Session

    def pass_time(self, seconds: float) -> None:
        """The thread samples each second."""
        for _ in range(round(seconds / 0.5)):
            self.clock.advance(0.5)
            self.session.sample()

    def cell(self, *phases: Callable[[], None]) -> CellRecord:
        """A cell of 2 s before, between and after what happens in it."""
        opening = self.session.open_run("c")
        self.session.begin(opening)
        self.pass_time(2.0)
        for happen in phases:
            happen()
            self.pass_time(2.0)
        self.session.end(opening.run, self.session.take(), "ok", 1)
        self.pass_time(0.5)
        return self.session.cells[-1]


@pytest.fixture
def machine(tmp_path: Path, fake: FakeNvml) -> Iterator[Machine]:
    gpus = fake
    tree = PowercapTree(tmp_path / "sys")
    tree.add("package-0", 40.0, range_uj=1_000_000_000, start_uj=20_000_000, update_s=0.001)
    gpus.add_gpu(100.0, update_s=0.1)
    found = discover(Places(tmp_path / "sys", tmp_path / "proc", nvml=pynvml, container_marks=()))
    sources = [source for source in found.sources if source.info.kind == "counter"]
    cpu = FakeTreeClock(1.0)
    busy = FakeMachineClock(cpu)
    clock = FakeClock(cpu.advance, busy.advance, tree.advance, gpus.advance)
    meter = Meter(sources, cpu, busy, clock)
    session = Session(Equipment(meter, found.host, (), CARBON, "machine", 1.0), clock)
    session._sampler = StillThread()  # type: ignore[assignment]  # time here is virtual
    made = Machine(tree, gpus, clock, session)
    made.pass_time(3.0)
    yield made
    session.close()
    tree.close()


def nothing() -> None:
    """No fault, no cure."""


FAULTS: dict[str, tuple[Callable[[Machine], None], Callable[[Machine], None], str]] = {
    "vanished": (
        lambda m: m.tree.vanish("package-0"), lambda m: m.tree.come_back("package-0"), "gap"),
    "garbage": (
        lambda m: m.clock.follow(lambda _: m.tree.garbage("package-0")),
        lambda m: m.clock.unfollow(), "gap"),
    "negative": (
        lambda m: m.clock.follow(lambda _: m.tree.garbage("package-0", "-5\n")),
        lambda m: m.clock.unfollow(), "gap"),
    "absurd": (
        lambda m: m.clock.follow(lambda _: m.tree.garbage("package-0", "77777777777777777\n")),
        lambda m: m.clock.unfollow(), "gap"),
    "frozen": (
        lambda m: m.tree.freeze("package-0"),
        lambda m: m.tree.freeze("package-0", frozen=False), "stale"),
    "reset": (lambda m: m.tree.reset("package-0"), lambda m: None, "gap"),
    "gpu-unknown-error": (
        lambda m: m.gpus.fail(_ENERGY, pynvml.NVML_ERROR_UNKNOWN),
        lambda m: m.gpus.heal(), "gap"),
    "gpu-frozen": (
        lambda m: m.gpus.freeze(0), lambda m: m.gpus.freeze(0, frozen=False), "stale"),
    "gpu-lost": (
        lambda m: m.gpus.fail(_ENERGY, pynvml.NVML_ERROR_GPU_IS_LOST), lambda m: None, "lost"),
    "driver-reload": (lambda m: m.gpus.driver_reload(), lambda m: None, "gap"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_mid_cell_is_flagged_and_makes_no_phantom(machine: Machine, name: str) -> None:
    """The cell has a record that says so, the total reads as a lower bound, nothing is invented."""
    begin, heal, flag = FAULTS[name]

    record = machine.cell(lambda: begin(machine), lambda: heal(machine))

    true_j = 140.0 * record.duration_s
    totals = machine.session.view(live=False).totals
    assert flag in record.flags
    assert record.energy_j is not None
    assert record.energy_j.value <= true_j * 1.01
    assert record.energy_j.low <= true_j <= record.energy_j.high or flag == "lost"
    assert INCOMPLETE & set(totals.flags)


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "gpu-lost"])
def test_the_cell_after_a_fault_is_right_again(machine: Machine, name: str) -> None:
    """A later good read resumes where the counter is."""
    begin, heal, _ = FAULTS[name]
    machine.cell(lambda: begin(machine), lambda: heal(machine))
    machine.pass_time(2.0)

    record = machine.cell()

    assert record.energy_j is not None
    assert record.energy_j.value == pytest.approx(140.0 * record.duration_s, rel=0.01)
    assert not INCOMPLETE & set(record.flags)


def test_a_tree_that_vanishes_for_good_is_one_notice(machine: Machine) -> None:
    """Its figures end, the GPU's go on, and it is said once what is missing."""
    machine.tree.vanish("package-0")
    machine.pass_time(10.0)

    notices = [one for one in machine.session.notices() if one.id.startswith("silent:")]
    assert [one.id for one in notices] == ["silent:rapl:package-0"]
    record = machine.cell()
    assert record.by_component_j == {"gpu": pytest.approx(100.0 * record.duration_s, rel=0.01)}
    power_w = machine.session.power_w()
    assert power_w is not None and power_w["cpu"] is None and power_w["gpu"] is not None
    assert power_object(power_w)["power_w"] is None  # a sum of what is left would be too low
    assert set(power_object(power_w)["by_component_w"]) == {"gpu"}

    machine.tree.come_back("package-0")
    machine.pass_time(2.0)
    power_w = machine.session.power_w()
    assert power_w is not None and power_w["cpu"] == pytest.approx(40.0, rel=0.01)
    assert not any(one.id.startswith("silent:") for one in machine.session.notices())


def test_a_slow_read_is_left_to_the_thread(machine: Machine) -> None:
    """Once a GPU takes 20 ms to answer, no hook asks it any more, and its energy is there."""
    machine.gpus.delay(_ENERGY, 0.02)
    machine.session.sample()
    asked = machine.session.take().values

    record = machine.cell()

    assert sum(not isinstance(value, int | float) for value in asked) <= 1
    assert record.energy_j is not None
    assert record.by_component_j["gpu"] == pytest.approx(200.0, rel=0.1)


def test_a_wrap_in_mid_cell_is_no_fault(machine: Machine) -> None:
    """The register starts anew at its range, and the energy goes on."""
    machine.tree.set_power("package-0", 400.0)

    record = machine.cell(nothing, nothing)

    assert record.by_component_j["cpu"] == pytest.approx(400.0 * record.duration_s, rel=0.01)
    assert not INCOMPLETE & set(record.flags)


@pytest.mark.parametrize("fault", ["dead", "failing", "gone"])
def test_a_meter_beside_the_sum_takes_nothing_from_it(fault: str) -> None:
    """A virtual machine's psys may open and never count: the sum is whole, what it shows is not."""
    cpu = FakeCounter(power_w=40.0, period_s=0.001)
    psys = FakeCounter("psys", "node", 0.0 if fault == "dead" else 90.0, period_s=0.001)
    psys.info = replace(psys.info, scope="node")
    tree = FakeTreeClock(1.0)
    busy = FakeMachineClock(tree)
    clock = FakeClock(tree.advance, busy.advance, cpu.advance, psys.advance)
    equipment = Equipment(Meter([cpu, psys], tree, busy, clock), HOST, (), CARBON, "machine", 1.0)
    session = Session(equipment, clock)
    session._sampler = StillThread()  # type: ignore[assignment]  # time here is virtual
    clock.advance(3.0)
    session.sample()
    opening = session.open_run("c")
    session.begin(opening)
    if fault != "dead":
        setattr(psys, fault, True)
    for _ in range(6):
        clock.advance(0.5)
        session.sample()
    session.end(opening.run, session.take(), "ok", 1)
    clock.advance(0.5)
    session.sample()

    (cell,) = session.cells
    totals = session.totals

    assert cell.energy_j is not None and cell.energy_j.value == pytest.approx(120.0)
    assert not set(cell.flags) & INCOMPLETE and not set(totals["flags"]) & INCOMPLETE
    assert cell.node_energy_j is None and totals["node_energy_kwh"] is None
    session.close()
