"""Sources with known truth and faults: small hand-written classes of greencell's protocols."""

from __future__ import annotations

from greencell.errors import ReadFailed, SourceGone
from greencell.model import SourceInfo


class _Faulty:
    """Fails on demand."""

    def __init__(self) -> None:
        self.failing = False
        self.gone = False
        self.closed = 0

    def check(self) -> None:
        if self.gone:
            raise SourceGone("the simulated source is gone")
        if self.failing:
            raise ReadFailed("the simulated read failed")

    def close(self) -> None:
        """Count how often it was closed."""
        self.closed += 1


class FakeCounter(_Faulty):
    """A counter in µJ that draws ``power_w`` as time passes.

    Args:
        period_s: how often the counter moves; 0 for one that is exact at any time.

    Attributes:
        true_j: the exact energy so far.
    """

    joules_per_unit = 1e-6

    def __init__(
        self,
        id: str = "fake:counter",  # noqa: A002  # the field's name
        component: str = "cpu",
        power_w: float = 0.0,
        *,
        range_units: int | None = None,
        start_units: int = 0,
        max_power_w: float = 1_000.0,
        relative_error: float = 0.0,
        period_s: float = 0.0,
    ) -> None:
        super().__init__()
        self.power_w = power_w
        self.true_j = self._shown_j = 0.0
        self._now_s = 0.0
        self.range_units = range_units
        self.max_power_w = max_power_w
        self._start_units = start_units
        self._base_j = 0.0
        self.info = SourceInfo(
            id, component, "counter", "measured", period_s, 1e-6, relative_error,
            detail="simulated",
        )  # fmt: skip

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.true_j += self.power_w * seconds
        self._now_s += seconds
        period_s = self.info.period_s
        since_tick_s = self._now_s % period_s if period_s > 0 else 0.0
        if since_tick_s <= seconds:
            self._shown_j = self.true_j - self.power_w * since_tick_s

    def reset(self) -> None:
        """The counter starts again at 0, as after a driver reload."""
        self._base_j = self._shown_j
        self._start_units = 0

    def read(self) -> int:
        """The raw counter, wrapped at its range."""
        self.check()
        units = self._start_units + round((self._shown_j - self._base_j) * 1e6)
        return units if self.range_units is None else units % self.range_units


class FakeGauge(_Faulty):
    """A power reading."""

    def __init__(
        self,
        id: str = "fake:gauge",  # noqa: A002  # the field's name
        component: str = "gpu",
        power_w: float = 0.0,
    ) -> None:
        super().__init__()
        self.power_w = power_w
        self.true_j = 0.0
        self.info = SourceInfo(
            id, component, "gauge", "measured", 0.1, 0.0, 0.0, detail="simulated"
        )

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.true_j += self.power_w * seconds

    def read_w(self) -> float:
        """Power now, in W."""
        self.check()
        return self.power_w


class FakeModel:
    """A model that is a straight line from ``idle_w`` to ``full_w``."""

    def __init__(
        self,
        id: str = "fake:model",  # noqa: A002  # the field's name
        component: str = "cpu",
        idle_w: float = 5.0,
        full_w: float = 50.0,
        factors: tuple[float, float] = (0.5, 2.0),
    ) -> None:
        self.idle_w = idle_w
        self.full_w = full_w
        self.closed = 0
        low, high = factors
        self.info = SourceInfo(
            id, component, "model", "estimated", 0.01, 0.0, (high - low) / 2, low, high,
            detail="simulated",
        )  # fmt: skip

    def power_w(self, utilisation: float) -> float:
        """Power in W at a CPU utilisation between 0 and 1."""
        return self.idle_w + (self.full_w - self.idle_w) * min(1.0, max(0.0, utilisation))

    def close(self) -> None:
        """Count how often it was closed."""
        self.closed += 1


class FakeTreeClock:
    """CPU time of a process tree that is busy with ``load`` CPUs."""

    def __init__(self, load: float = 0.0) -> None:
        self.load = load
        self.cpu_s = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.cpu_s += self.load * seconds

    def read_s(self) -> float:
        """CPU-seconds so far."""
        return self.cpu_s

    def pids(self) -> frozenset[int]:
        """Only a name for the tree."""
        return frozenset({1})


class FakeMachineClock(_Faulty):
    """Busy time of a machine whose other processes use ``others`` CPUs.

    Attributes:
        steal_s: what a hypervisor gave to other machines.
    """

    def __init__(self, tree: FakeTreeClock, others: float = 0.0, logical_cpus: int = 4) -> None:
        super().__init__()
        self.tree = tree
        self.others = others
        self.logical_cpus = logical_cpus
        self.steal_s = 0.0
        self._others_s = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass; the tree's clock must have been moved too."""
        self._others_s += self.others * seconds

    def read_s(self) -> float:
        """Busy CPU-seconds so far."""
        self.check()
        return self.tree.cpu_s + self._others_s
