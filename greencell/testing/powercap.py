"""A powercap tree in a folder, with known truth, virtual or real time, and faults."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

_WIDTH = 20
"""Digits of the energy file: always the same, so that one write replaces all of it at once."""
_SECRETS = ("energy_uj", "max_energy_range_uj")
RANGE_UJ = 262_143_328_850
"""``max_energy_range_uj`` of most Intel processors."""


@dataclass
class _Zone:
    folder: Path
    power_w: float
    range_uj: int
    start_uj: int
    update_s: float
    true_j: float = 0.0
    shown_j: float = 0.0
    base_j: float = 0.0
    frozen: bool = False
    locked: bool = False
    fd: int = field(default=-1)

    @property
    def energy_uj(self) -> int:
        units = self.start_uj + round((self.shown_j - self.base_j) * 1e6)
        return units % self.range_uj


class PowercapTree:
    """Writes ``class/powercap`` under a folder that stands in for ``/sys``.

    ::

        tree = PowercapTree(tmp_path)
        tree.add("package-0", power_w=20.0)
        tree.add("dram", power_w=3.0, parent="package-0")
        tree.advance(1.5)
        assert tree.true_j("package-0") == 30.0
    """

    def __init__(self, sysfs_root: Path) -> None:
        self.root = sysfs_root
        self._tree = sysfs_root / "class" / "powercap"
        self._zones: dict[str, _Zone] = {}
        self._tops = 0
        self._now_s = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        (self._tree / "intel-rapl").mkdir(parents=True, exist_ok=True)

    def add(
        self,
        name: str,
        power_w: float = 0.0,
        *,
        parent: str | None = None,
        control: str = "intel-rapl",
        range_uj: int = RANGE_UJ,
        start_uj: int = 123_456_789,
        key: str | None = None,
        update_s: float = 0.0,
    ) -> None:
        """Add a zone.

        Args:
            key: tells zones of one name apart, e.g. each socket's ``dram``.
            update_s: how often the counter moves; 0 for one that is exact at any time.
        """
        if parent is None:
            folder = self._tree / f"{control}:{self._tops}"
            self._tops += 1
        else:
            above = self._zones[parent].folder
            inside = sum(zone.folder.parent == above for zone in self._zones.values())
            folder = above / f"{above.name}:{inside}"
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
        zone = _Zone(folder, power_w, range_uj, start_uj, update_s)
        self._zones[key or name] = zone
        self._write(zone)

    def set_power(self, key: str, power_w: float) -> None:
        """Draw another power from now on."""
        with self._lock:
            self._zones[key].power_w = power_w

    def advance(self, seconds: float) -> None:
        """Let time pass and write all counters."""
        with self._lock:
            self._now_s += seconds
            for zone in self._zones.values():
                zone.true_j += zone.power_w * seconds
                since_tick_s = self._now_s % zone.update_s if zone.update_s > 0 else 0.0
                if since_tick_s <= seconds:
                    zone.shown_j = zone.true_j - zone.power_w * since_tick_s
                self._write(zone)

    def true_j(self, *keys: str) -> float:
        """The exact energy of these zones, of all if none is named."""
        with self._lock:
            return sum(self._zones[key].true_j for key in keys or self._zones)

    # -- real time -----------------------------------------------------------------------------

    def run(self, clock_s: float = 0.001) -> None:
        """Count in real time until ``close``; the files move every ``clock_s``."""
        self._thread = threading.Thread(target=self._run, args=(clock_s,), daemon=True)
        self._thread.start()

    def _run(self, clock_s: float) -> None:
        import time

        last = time.monotonic()
        while not self._stop.wait(clock_s):
            now = time.monotonic()
            self.advance(now - last)
            last = now

    # -- faults --------------------------------------------------------------------------------

    def garbage(self, key: str, text: str = "oops\n") -> None:
        """The counter's file holds something else until the next ``advance``."""
        with self._lock:
            (self._zones[key].folder / "energy_uj").write_text(text)

    def vanish(self, key: str) -> None:
        """The counter's file is gone until ``come_back``."""
        with self._lock:
            zone = self._zones[key]
            self._close(zone)
            (zone.folder / "energy_uj").unlink()
            zone.frozen = True

    def come_back(self, key: str) -> None:
        """The counter's file is there again, as a new file."""
        with self._lock:
            self._zones[key].frozen = False
            self._write(self._zones[key])

    def freeze(self, key: str, *, frozen: bool = True) -> None:
        """The counter stands still while energy goes on."""
        with self._lock:
            self._zones[key].frozen = frozen

    def reset(self, key: str) -> None:
        """The counter starts again at 0."""
        with self._lock:
            zone = self._zones[key]
            zone.base_j, zone.start_uj = zone.shown_j, 0
            self._write(zone)

    def lock(self, key: str, *, locked: bool = True) -> None:
        """Keep the counter and its range from users, as kernels since 5.10 do.

        Modes do not stop root; pass ``open_readonly`` of this tree as the opener, which does.
        """
        with self._lock:
            zone = self._zones[key]
            zone.locked = locked
            for name in _SECRETS:
                (zone.folder / name).chmod(0 if locked else 0o644)

    def open_readonly(self, path: str) -> int:
        """Open a file as a user who is not root would."""
        folder, name = os.path.split(path)
        with self._lock:
            locked = {os.fspath(zone.folder) for zone in self._zones.values() if zone.locked}
        if name in _SECRETS and folder in locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """End the thread and close the files; idempotent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for zone in self._zones.values():
            self._close(zone)

    def _write(self, zone: _Zone) -> None:
        if zone.frozen:
            return
        if zone.fd < 0:
            path = zone.folder / "energy_uj"
            zone.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.pwrite(zone.fd, f"{zone.energy_uj:>{_WIDTH}}\n".encode(), 0)
        os.ftruncate(zone.fd, _WIDTH + 1)

    @staticmethod
    def _close(zone: _Zone) -> None:
        if zone.fd >= 0:
            os.close(zone.fd)
            zone.fd = -1
