"""A kernel with a power PMU, simulated: a sysfs tree and the calls on its events."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

_SCALE_J = 2.0**-32
_EVENTS = {"energy-cores": 1, "energy-pkg": 2, "energy-ram": 3, "energy-gpu": 4, "energy-psys": 5}
_TYPE = 23
_Key = tuple[str, int]


class FakePerf:
    """Stands in for ``LinuxKernel``.

    ::

        fake = FakePerf(tmp_path)
        fake.add("energy-pkg", power_w=20.0)
        fake.advance(1.5)
        assert fake.true_j("energy-pkg") == 30.0

    Args:
        sysfs_root: a folder that stands in for ``/sys``.
        sockets: socket of each CPU of the mask, in order.
    """

    def __init__(self, sysfs_root: Path, sockets: tuple[int, ...] = (0,)) -> None:
        self.folder = sysfs_root / "bus/event_source/devices/power"
        self.sockets = sockets
        self.refuse: int | None = None
        self.fail_reads: int | None = None
        self.ended = False
        self.short = False
        self._power_w: dict[_Key, float] = {}
        self._true_j: dict[_Key, float] = {}
        self._open: dict[int, tuple[_Key, float]] = {}
        self._next_fd = 1_000
        (self.folder / "events").mkdir(parents=True)
        (self.folder / "type").write_text(f"{_TYPE}\n")
        (self.folder / "cpumask").write_text(",".join(map(str, range(len(sockets)))) + "\n")
        for cpu, socket in enumerate(sockets):
            topology = sysfs_root / f"devices/system/cpu/cpu{cpu}/topology"
            topology.mkdir(parents=True)
            (topology / "physical_package_id").write_text(f"{socket}\n")

    def add(self, event: str, power_w: float = 0.0) -> None:
        """Add an event; it draws this much on each CPU of the mask."""
        path = self.folder / "events" / event
        path.write_text(f"event=0x{_EVENTS[event]:02x}\n")
        path.with_name(f"{event}.scale").write_text("2.3283064365386962890625e-10\n")
        path.with_name(f"{event}.unit").write_text("Joules\n")
        for cpu in range(len(self.sockets)):
            self._power_w[event, cpu] = power_w
            self._true_j[event, cpu] = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        for key, power_w in self._power_w.items():
            self._true_j[key] += power_w * seconds

    def true_j(self, event: str, cpu: int = 0) -> float:
        """The exact energy so far."""
        return self._true_j[event, cpu]

    @property
    def open_count(self) -> int:
        """How many descriptors are open."""
        return len(self._open)

    def open(self, attr: bytes, cpu: int) -> int:
        """A descriptor whose count begins at 0, as the kernel's does."""
        if self.refuse is not None:
            raise OSError(self.refuse, os.strerror(self.refuse))
        event_type, size, config = struct.unpack_from("<IIQ", attr)
        names = {number: name for name, number in _EVENTS.items()}
        key = (names.get(config, ""), cpu)
        if event_type != _TYPE or size != len(attr) or any(attr[16:]) or key not in self._true_j:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._next_fd += 1
        self._open[self._next_fd] = (key, self._true_j[key])
        return self._next_fd

    def read(self, fd: int) -> bytes:
        """The count, in 8 bytes."""
        if self.fail_reads is not None:
            raise OSError(self.fail_reads, os.strerror(self.fail_reads))
        if self.ended:
            return b""
        key, begin_j = self._open[fd]
        data = struct.pack("<Q", round((self._true_j[key] - begin_j) / _SCALE_J))
        return data[:5] if self.short else data

    def close(self, fd: int) -> None:
        """Release a descriptor, which must be open."""
        del self._open[fd]
