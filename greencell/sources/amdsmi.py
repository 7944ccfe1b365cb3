"""AMD GPUs through AMD SMI, with ROCm's bindings (module ``amdsmi``).

Instinct boards count energy; some drivers' counters stand still or count in a wrong unit
(ROCm/amdsmi issues 22 and 38), so a counter is believed only if it moves and agrees with the
power shown meanwhile. Otherwise power is integrated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed, SourceGone, SourceUnavailable
from greencell.model import Skipped, SourceInfo
from greencell.sources.amd_cards import Card, read_cards
from greencell.sources.amd_visible import visible_gpus
from greencell.sources.amdsmi_device import MAX_POWER_W, AmdDevice, Energy
from greencell.sources.amdsmi_library import AmdSmi, open_library

PERIOD_S: Final = 0.1
"""How often the values move is not documented; judgement, on the slow side."""
GAIN: Final = 0.05
"""Standard gain error; judgement, as for other boards' own sensors."""
PROBE_S: Final = 0.1
"""How long counters are watched: an idle board of 10 W counts 65 000 units of 15.3 µJ."""
AGREEMENT_FACTOR: Final = 5.0
"""How far energy and power may be apart over the probe, as power may be a mean; judgement."""


class AmdCounter:
    """The energy counter of one GPU."""

    range_units: int | None = None  # 64 bits of 15.3 µJ: longer than any machine lives
    max_power_w = MAX_POWER_W

    def __init__(self, device: AmdDevice, joules_per_unit: float) -> None:
        self._device = device
        self.joules_per_unit = joules_per_unit
        self.info = SourceInfo(
            device.id, "gpu", "counter", "measured", PERIOD_S, joules_per_unit, GAIN,
            detail=f"{device.name}, AMD SMI energy counter", parts=(device.part,),
        )  # fmt: skip

    def read(self) -> int:
        return self._device.energy().units

    def close(self) -> None:
        self._device.close()


class AmdGauge:
    """The power reading of one GPU whose energy counter is missing or wrong."""

    def __init__(self, device: AmdDevice, why: str) -> None:
        self._device = device
        self.info = SourceInfo(
            device.id, "gpu", "gauge", "measured", PERIOD_S, 0.0, GAIN,
            detail=f"{device.name}, AMD SMI power, integrated; {why}", parts=(device.part,),
        )  # fmt: skip

    def read_w(self) -> float:
        return self._device.power_w()

    def close(self) -> None:
        self._device.close()


@dataclass(frozen=True, slots=True)
class _Sight:
    """What a GPU shows at one moment; ``None`` for what it does not."""

    time_s: float
    energy: Energy | None
    power_w: float | None


def find_amdsmi(
    sysfs_root: Path,
    environment: Mapping[str, str],
    amdsmi: AmdSmi | None = None,
    *,
    pause: Callable[[float], None] = time.sleep,
    clock_s: Callable[[], float] = time.monotonic,
) -> tuple[list[AmdCounter | AmdGauge], list[Skipped]]:
    """A source for each AMD GPU this process may use, and the reason for each that has none.

    ``ROCR_VISIBLE_DEVICES`` and ``HIP_VISIBLE_DEVICES`` are honoured. Who else uses a GPU is not
    asked, so each is counted whole. Where there is a counter, it is watched for ``PROBE_S``; all
    GPUs at the same time.

    Args:
        sysfs_root: where the host's ``/sys`` is mounted.
        environment: the process's, for where ROCm is and which GPUs it may use.
        amdsmi: stands in for the module of that name.
        pause: waits for so many seconds.
        clock_s: monotonic time in s.

    Raises:
        SourceUnavailable: there is no AMD GPU, or no way to ask for it.
    """
    cards = read_cards(sysfs_root)
    if not cards:
        raise SourceUnavailable("no AMD GPU on this machine")
    library = open_library(amdsmi, environment)
    library.enter()  # keeps the library while devices come and go
    try:
        try:
            handles = library.call(library.amdsmi.amdsmi_get_processor_handles)
        except (ReadFailed, SourceGone) as error:
            raise SourceUnavailable(f"AMD's driver lists no GPU: {error}") from error
        devices = [AmdDevice(library, handle, index) for index, handle in enumerate(handles)]
        skipped: list[Skipped] = []
        watched = _without_apus(_visible(devices, environment, skipped), cards, skipped)
        first = [_sight(device, clock_s) for device in watched]
        if any(sight.energy for sight in first):
            pause(PROBE_S)
        sources: list[AmdCounter | AmdGauge] = []
        for device, before in zip(watched, first, strict=True):
            source = _source(device, before, _sight(device, clock_s))
            if isinstance(source, Skipped):
                skipped.append(source)
                device.close()
            else:
                sources.append(source)
    finally:
        library.leave()
    return sources, skipped


def _visible(
    devices: Sequence[AmdDevice], environment: Mapping[str, str], skipped: list[Skipped]
) -> list[AmdDevice]:
    indices = visible_gpus(environment, [device.uuid for device in devices])
    kept: list[AmdDevice] = []
    for index, device in enumerate(devices):
        if index in indices:
            kept.append(device)
        else:
            reason = "ROCR_VISIBLE_DEVICES or HIP_VISIBLE_DEVICES leaves it out"
            skipped.append(Skipped(device.id, reason))
            device.close()
    return kept


def _without_apus(
    devices: Sequence[AmdDevice], cards: Sequence[Card], skipped: list[Skipped]
) -> list[AmdDevice]:
    apus = {card.bdf for card in cards if card.apu}
    kept: list[AmdDevice] = []
    for device in devices:
        if device.bdf in apus:
            reason = f"{device.name} is in the CPU's package, whose energy holds its own"
            skipped.append(Skipped(device.id, reason))
            device.close()
        else:
            kept.append(device)
    return kept


def _sight(device: AmdDevice, clock_s: Callable[[], float]) -> _Sight:
    energy: Energy | None
    power_w: float | None
    try:
        energy = device.energy()
    except (ReadFailed, SourceGone):
        energy = None
    time_s = clock_s()
    try:
        power_w = device.power_w()
    except (ReadFailed, SourceGone):
        power_w = None
    return _Sight(time_s, energy, power_w)


def _source(device: AmdDevice, before: _Sight, after: _Sight) -> AmdCounter | AmdGauge | Skipped:
    """The energy counter if it can be believed, else power, else why there is neither."""
    powers_w = [sight.power_w for sight in (before, after) if sight.power_w is not None]
    mean_w = sum(powers_w) / len(powers_w) if powers_w else None
    doubt = _doubt(before, after, mean_w)
    if not doubt and after.energy is not None:
        return AmdCounter(device, after.energy.joules_per_unit)
    if mean_w:
        return AmdGauge(device, doubt)
    if after.energy is not None:
        # MI250: the first die of a board shows what both draw, the second shows 0.
        reason = f"{device.name} shows neither joules nor watts; another die of its board has them"
        return Skipped(device.id, reason)
    if mean_w is not None:
        return AmdGauge(device, doubt)  # asleep, and 0 W while it is
    return Skipped(device.id, f"{device.name} shows neither energy nor power")


def _doubt(before: _Sight, after: _Sight, mean_w: float | None) -> str:
    """Why the energy counter is not believed; empty if it is."""
    if before.energy is None or after.energy is None:
        return "it has no energy counter"
    step_j = (after.energy.units - before.energy.units) * after.energy.joules_per_unit
    elapsed_s = after.time_s - before.time_s
    if step_j <= 0 or elapsed_s <= 0:
        return "its energy counter stands still"
    # A board that shows no power gives nothing to compare with.
    if mean_w and not 1 / AGREEMENT_FACTOR < step_j / elapsed_s / mean_w < AGREEMENT_FACTOR:
        return "its energy counter contradicts its power"
    return ""
