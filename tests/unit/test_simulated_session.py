"""A whole session on a simulated powercap tree and simulated GPUs, against their truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest

from greencell.meter import Meter
from greencell.model import CarbonFactor, CarbonInfo
from greencell.session import Equipment, Session
from greencell.sources.discovery import Places, discover
from greencell.testing import (
    FakeClock,
    FakeMachineClock,
    FakeNvml,
    FakeTreeClock,
    NoCompiler,
    PowercapTree,
)

CARBON = CarbonInfo(CarbonFactor("FR", 41.4), "France", "annual average", 2025, "test", "setting")


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeNvml]:
    try:
        library = FakeNvml(tmp_path)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    library.install(pynvml)
    yield library
    library.uninstall(pynvml)


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
