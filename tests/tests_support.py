"""Shared by the tests: a session on simulated hardware in virtual time."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from greencell.meter import Meter
from greencell.model import CarbonFactor, CarbonInfo, HostInfo
from greencell.running_session import Equipment, Session
from greencell.testing import FakeClock, FakeCounter, FakeGauge, FakeMachineClock, FakeTreeClock

HOST = HostInfo("Linux", "simulated", 4, 8.0, (), virtual=False)
CARBON = CarbonInfo(CarbonFactor("FR", 41.4), "France", "annual average", 2025, "test", "setting")
FIXTURES = Path(__file__).parent / "fixtures"


def script(name: str, folder: str = "scripts") -> ModuleType:
    """A script of ``scripts/``, or of another folder, as a module."""
    path = Path(__file__).parents[1] / folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


class StillThread:
    """Stands in for the sampler: it runs when the driver says, or not at all."""

    is_this = True
    refused = False

    def __init__(self, *, alive: bool = True) -> None:
        self.alive = alive
        self.woken = False

    def start(self) -> None:
        """It always runs."""

    def wake(self) -> None:
        self.woken = True

    def wake_by(self, _t_ns: int) -> None:
        self.woken = True

    def stop(self, _timeout_s: float) -> None:
        """Nothing to join."""


@dataclass
class Bench:
    """A session on simulated hardware in virtual time, without a background thread."""

    clock: FakeClock
    counter: FakeCounter
    gauge: FakeGauge
    tree: FakeTreeClock
    machine: FakeMachineClock
    session: Session

    @classmethod
    def make(cls, attribution: str = "machine", range_units: int | None = 40_000_000) -> Bench:
        tree = FakeTreeClock(load=1.0)
        machine = FakeMachineClock(tree, others=0.5)
        counter = FakeCounter(power_w=20.0, range_units=range_units, max_power_w=200.0)
        gauge = FakeGauge(power_w=70.0)
        clock = FakeClock(tree.advance, machine.advance, counter.advance, gauge.advance)
        meter = Meter([counter, gauge], tree, machine, clock)
        equipment = Equipment(meter, HOST, (), CARBON, attribution, 1.0)  # type: ignore[arg-type]
        session = Session(equipment, clock)
        session._sampler = StillThread()  # type: ignore[assignment]  # time here is virtual
        return cls(clock, counter, gauge, tree, machine, session)

    def cell(self, seconds: float, status: str = "ok") -> None:
        opening = self.session.open_run("c")
        self.session.begin(opening)
        self.pass_time(seconds)
        self.session.end(opening.run, self.session.take(), status, 1)  # type: ignore[arg-type]

    def pass_time(self, seconds: float) -> None:
        """Let time pass with a sample at least every 0.1 s, as the thread would take them."""
        while seconds > 0:
            step = min(seconds, 0.1)
            self.clock.advance(step)
            seconds -= step
            self.session.sample()


@dataclass
class RecordingOutlet:
    """Keeps what a feed sends."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    def send(self, message: dict[str, Any], parent: dict[str, Any]) -> None:
        self.messages.append(message)


def long_document(cells: int) -> dict[str, Any]:
    """A session of so many cells and half as many blocks: runs inside others, places, flags."""
    made: dict[str, Any] = json.loads((FIXTURES / "session.json").read_text(encoding="utf-8"))
    template = made["cells"][0]
    made["cells"] = [
        {
            **template,
            "number": number,
            "cell_id": f"cell-{number}",
            "execution_count": number,
            "label": f"step {number}",
            "parent": number - 1 if number % 5 == 0 else None,
            "energy_kwh": 1e-6 * (1 + number % 97),
            "energy_low_kwh": 0.9e-6 * (1 + number % 97),
            "energy_high_kwh": 1.2e-6 * (1 + number % 97),
            "zone": ("FR", "DE", "US-CA")[number % 3],
            "flags": ["gap"] if number % 7 == 0 else [],
            "metrics": {f"loss {number % 10}": 0.5},
        }
        for number in range(1, cells + 1)
    ]
    made["totals"]["cells"] = cells
    made["blocks"] = [
        {**cell, "label": f"block {cell['number']}", "parent": cell["number"]}
        for cell in made["cells"][::2]
    ]
    return made
