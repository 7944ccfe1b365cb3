"""A Windows energy meter, simulated, that answers in the bytes of ``emi.h``."""

from __future__ import annotations

import struct

_J_PER_PWH = 3.6e-9
_VERSION, _METADATA_SIZE, _METADATA, _MEASUREMENT = 0x224000, 0x224004, 0x224008, 0x22400C


class FakeEmiDevice:
    """Stands in for an open device.

    ::

        device = FakeEmiDevice({"RAPL_Package0_PKG": 20.0})
        find_emi("win32", amd=False, open_devices=lambda: [("emi0", device)])
        device.advance(1.5)
        assert device.true_j("RAPL_Package0_PKG") == 30.0

    Attributes:
        answers: bytes by IOCTL that stand in for the true ones.
        refuse: Windows error by IOCTL.
    """

    def __init__(
        self, power_w: dict[str, float], *, version: int = 2, unit: int = 0, start_pwh: int = 10**9
    ) -> None:
        self.power_w = power_w
        self.version = version
        self.unit = unit
        self.start_pwh = start_pwh
        self.answers: dict[int, bytes] = {}
        self.refuse: dict[int, Exception] = {}
        self.measurements = 0
        self.closed = 0
        self._now_s = 0.0
        self._true_j = dict.fromkeys(power_w, 0.0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds
        for name, power_w in self.power_w.items():
            self._true_j[name] += power_w * seconds

    def true_j(self, name: str) -> float:
        """The exact energy of a channel so far."""
        return self._true_j[name]

    def metadata(self) -> bytes:
        """``EMI_METADATA_V1`` with the first channel, or ``EMI_METADATA_V2`` with all."""
        maker, model = (text.encode("utf-16-le").ljust(32, b"\0") for text in ("Maker", "Model"))
        names = [f"{name}\0".encode("utf-16-le") for name in self.power_w]
        if self.version == 1:
            head = struct.pack("<I", self.unit) + maker + model
            return head + struct.pack("<HH", 1, len(names[0])) + names[0]
        channels = b"".join(struct.pack("<IH", self.unit, len(name)) + name for name in names)
        return maker + model + struct.pack("<HH", 1, len(names)) + channels

    def measurement(self) -> bytes:
        """``EMI_CHANNEL_MEASUREMENT_DATA`` of each channel."""
        self.measurements += 1
        time_100ns = round(self._now_s * 1e7)
        return b"".join(
            struct.pack("<QQ", self.start_pwh + round(energy_j / _J_PER_PWH), time_100ns)
            for energy_j in self._true_j.values()
        )

    def control(self, code: int, size: int) -> bytes:
        """What the device answers, cut at ``size`` bytes."""
        if code in self.refuse:
            raise self.refuse[code]
        answer = self.answers.get(code)
        if answer is None:
            answer = {
                _VERSION: lambda: struct.pack("<H", self.version),
                _METADATA_SIZE: lambda: struct.pack("<I", len(self.metadata())),
                _METADATA: self.metadata,
                _MEASUREMENT: self.measurement,
            }[code]()
        return answer[:size]

    def close(self) -> None:
        """Count how often it was closed."""
        self.closed += 1
