"""Apple's energy monitor, simulated, with known truth."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class FakeAppleMetrics:
    """As the real ones: mJ, ``None`` where a chip has no counter."""

    cpu_total_mj: int | None = None
    dram_mj: int | None = None
    gpu_mj: int | None = None
    gpu_sram_mj: int | None = None
    ane_mj: int | None = None


class FakeAppleMonitor:
    """Stands in for ``AppleEnergyMonitor``.

    ::

        monitor = FakeAppleMonitor(cpu_total_mj=5.0, gpu_mj=2.0)
        find_apple("darwin", "arm64", lambda: monitor, monitor.clock_s)
        monitor.advance(1.5)
        assert monitor.true_j("cpu_total_mj") == 7.5

    Args:
        start_mj: what all counters show at the beginning.
        power_w: power of each metric that the chip has; the others are ``None``.
    """

    def __init__(self, start_mj: int = 1_000, **power_w: float) -> None:
        self.power_w = power_w
        self.start_mj = start_mj
        self.failing = False
        self.absent: set[str] = set()
        self.reads = 0
        self._now_s = 0.0
        self._true_j = dict.fromkeys(power_w, 0.0)

    def clock_s(self) -> float:
        """The simulated monotonic time."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds
        for name, power_w in self.power_w.items():
            self._true_j[name] += power_w * seconds

    def true_j(self, *names: str) -> float:
        """The exact energy of these metrics since the beginning."""
        return sum(self._true_j[name] for name in names)

    def get_cumulative_energy(self) -> FakeAppleMetrics:
        """The counters now, as the C++ under the real monitor would fill them in."""
        self.reads += 1
        if self.failing:
            raise RuntimeError("the simulated IOReport failed")
        metrics = FakeAppleMetrics()
        for field in fields(metrics):
            if field.name in self.power_w and field.name not in self.absent:
                energy_mj = self.start_mj + int(round(self._true_j[field.name] * 1e3, 6))
                setattr(metrics, field.name, energy_mj)
        return metrics
