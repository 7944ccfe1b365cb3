"""What a source is: three small protocols, one per way in which joules become known.

A counter already counts joules. A gauge shows watts, which the meter integrates. A model
computes watts from the machine's CPU utilisation, which is exact over any span because CPU
time is itself cumulative. All three end as a monotone joule counter in the meter.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from greencell.attribution import DeviceUse
from greencell.model import SourceInfo


@runtime_checkable
class EnergyCounter(Protocol):
    """A cumulative hardware counter."""

    @property
    def info(self) -> SourceInfo:
        """What it is."""
        ...

    @property
    def joules_per_unit(self) -> float:
        """Joules in one raw unit."""
        ...

    @property
    def range_units(self) -> int | None:
        """Raw units after which the counter restarts at 0; ``None`` if it never wraps."""
        ...

    @property
    def max_power_w(self) -> float:
        """Highest plausible power; a step that implies more is a reset, not a wrap."""
        ...

    def read(self) -> int:
        """The raw counter now.

        Raises:
            ReadFailed: no sample this time.
            SourceGone: no sample ever again.
        """
        ...

    def close(self) -> None:
        """Release what was opened; idempotent."""
        ...


@runtime_checkable
class PowerGauge(Protocol):
    """An instantaneous power reading in W."""

    @property
    def info(self) -> SourceInfo:
        """What it is."""
        ...

    def read_w(self) -> float:
        """Power now, in W.

        Raises:
            ReadFailed: no sample this time.
            SourceGone: no sample ever again.
        """
        ...

    def close(self) -> None:
        """Release what was opened; idempotent."""
        ...


@runtime_checkable
class PowerModel(Protocol):
    """Power as a function of the machine's CPU utilisation."""

    @property
    def info(self) -> SourceInfo:
        """What it is."""
        ...

    @property
    def idle_w(self) -> float:
        """Power at utilisation 0, in W."""
        ...

    def power_w(self, utilisation: float) -> float:
        """Power in W at a mean CPU utilisation between 0 and 1."""
        ...

    def close(self) -> None:
        """Nothing to release; part of the common life cycle."""
        ...


@runtime_checkable
class SharedDevice(Protocol):
    """What a source of a device that several processes can use may offer besides."""

    def use(self, own_pids: frozenset[int]) -> DeviceUse | None:
        """Who used the device since the last call; ``None`` if its users cannot be told apart."""
        ...


Source = EnergyCounter | PowerGauge | PowerModel
