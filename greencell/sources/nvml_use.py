"""Whose work a GPU did: utilisation by process, as NVML samples it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from greencell.attribution import DeviceUse
from greencell.sources.nvml_library import Handle, NvmlLibrary, code_of

_NOTHING: Final = (0, 6)
"""``NVML_ERROR_NOT_FOUND``: no process used the GPU since the time asked for. Where a driver says
so with success, the bindings raise that as an error."""
_INSUFFICIENT_SIZE: Final = 7
"""``NVML_ERROR_INSUFFICIENT_SIZE``: samples came while the bindings made room for fewer."""
_ATTEMPTS: Final = 2
_SAME_SAMPLE_US: Final = 80_000
"""Half of the shortest sample period, 1/6 s (``nvml.h``): closer stamps are of one sample."""
_MAX_PERCENT: Final = 100


class UtilizationSample(Protocol):
    """``nvmlProcessUtilizationSample_t``: what one process used in one sample period."""

    pid: int
    timeStamp: int  # noqa: N815  # the bindings' name
    smUtil: int  # noqa: N815  # likewise


class UseReader:
    """Asks one GPU who used it since it was last asked.

    The first answer is about all that the driver remembers.
    """

    def __init__(self, library: NvmlLibrary, handle: Handle, *, splits: bool) -> None:
        self._library = library
        self._handle = handle
        self._splits = splits
        self._last_seen_us = 0

    def read(self, own_pids: frozenset[int]) -> DeviceUse | None:
        """Who used the GPU; ``None`` if the driver does not tell its processes."""
        pids = self.running_pids()
        if pids is None:
            return None
        own = sum(pid in own_pids for pid in pids)
        counts = (own, len(pids) - own)
        samples = self._samples()
        if samples is None:
            return DeviceUse(None, None, *counts)
        return DeviceUse(*mean_percentages(samples, own_pids), *counts)

    def running_pids(self) -> list[int] | None:
        """The processes that compute on the GPU now; ``None`` if the driver does not tell."""
        nvml = self._library.nvml
        running = self._library.call(nvml.nvmlDeviceGetComputeRunningProcesses, self._handle)
        return None if running is None else [int(process.pid) for process in running]

    def _samples(self) -> list[UtilizationSample] | None:
        """The samples since the last ones; ``None`` if this GPU takes none."""
        if not self._splits:
            return None
        raw = self._raw_samples()
        if raw is None:
            return None
        # The driver fills its array with entries that are empty or older than asked for.
        samples = [
            one for one in raw if one.timeStamp > self._last_seen_us and one.smUtil <= _MAX_PERCENT
        ]
        self._last_seen_us = max((one.timeStamp for one in samples), default=self._last_seen_us)
        return samples

    def _raw_samples(self) -> Sequence[UtilizationSample] | None:
        nvml = self._library.nvml
        for _ in range(_ATTEMPTS):
            try:
                samples: Sequence[UtilizationSample] = nvml.nvmlDeviceGetProcessUtilization(
                    self._handle, self._last_seen_us
                )
            except nvml.NVMLError as error:
                code = code_of(error)
                if code == _INSUFFICIENT_SIZE:
                    continue
                return [] if code in _NOTHING else None
            return samples
        return None


def mean_percentages(
    samples: Sequence[UtilizationSample], own_pids: frozenset[int]
) -> tuple[float, float]:
    """Mean utilisation over the sample periods by ``own_pids`` and by all others, in percent.

    A process has no sample for a period in which it was idle, so both are divided by the number
    of periods that anybody has one for.
    """
    periods = 0
    last_us: int | None = None
    for stamp_us in sorted(sample.timeStamp for sample in samples):
        if last_us is None or stamp_us - last_us > _SAME_SAMPLE_US:
            periods += 1
        last_us = stamp_us
    own = sum(sample.smUtil for sample in samples if sample.pid in own_pids)
    everybody = sum(sample.smUtil for sample in samples)
    return own / max(1, periods), (everybody - own) / max(1, periods)
