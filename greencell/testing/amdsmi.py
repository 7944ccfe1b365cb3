"""The module ``amdsmi``, simulated, with known truth and the faults of its drivers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_J_PER_UNIT = 15.2587890625e-6


class AmdSmiException(Exception):
    """As the real one of ROCm's bindings."""

    def __init__(self, err_code: int) -> None:
        super().__init__(f"simulated failure {err_code}")
        self.err_code = err_code


@dataclass
class FakeAmdGpu:
    """One GPU; also the handle under which the module knows it.

    Attributes:
        energy_key: what this release calls the accumulator.
        scale: by how much the counter is wrong.
        power_keys: which powers it shows; the others are ``"N/A"``.
        serial: its unique number, in hexadecimal.
    """

    bdf: str
    power_w: float = 0.0
    energy_key: str = "energy_accumulator"
    power_keys: tuple[str, ...] = ("current_socket_power",)
    counts_energy: bool = True
    frozen: bool = False
    scale: float = 1.0
    true_j: float = 0.0
    shown_j: float = 50.0
    gone: bool = False
    serial: str = "N/A"

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.true_j += self.power_w * seconds
        if not self.frozen:
            self.shown_j += self.power_w * seconds * self.scale


class FakeAmdSmi:
    """Stands in for the module.

    ::

        fake = FakeAmdSmi(tmp_path)
        gpu = fake.add_gpu(power_w=90.0)
        find_amdsmi(tmp_path, {}, fake, pause=fake.advance, clock_s=fake.clock_s)
        fake.advance(1.5)

    Args:
        sysfs_root: a folder that stands in for ``/sys``.

    Attributes:
        failing: code with which functions fail, by name.
        open_count: how often it was initialised and not shut down.
    """

    AmdSmiException = AmdSmiException

    def __init__(self, sysfs_root: Path) -> None:
        self.root = sysfs_root
        self.gpus: list[FakeAmdGpu] = []
        self.failing: dict[str, int] = {}
        self.answers: dict[str, Any] = {}
        self.open_count = 0
        self._now_s = 0.0

    def add_gpu(self, power_w: float = 0.0, *, apu: bool = False, **settings: Any) -> FakeAmdGpu:
        """Add a GPU and its card in sysfs."""
        index = len(self.gpus)
        gpu = FakeAmdGpu(f"0000:{index + 3:02x}:00.0", power_w, **settings)
        self.gpus.append(gpu)
        device = self.root / f"class/drm/card{index}/device"
        hwmon = device / "hwmon/hwmon4"
        hwmon.mkdir(parents=True)
        (device / "vendor").write_text("0x1002\n")
        (device / "uevent").write_text(f"DRIVER=amdgpu\nPCI_SLOT_NAME={gpu.bdf}\n")
        if apu:
            (hwmon / "in1_label").write_text("vddnb\n")
        return gpu

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds
        for gpu in self.gpus:
            gpu.advance(seconds)

    def clock_s(self) -> float:
        """The simulated monotonic time."""
        return self._now_s

    def _check(self, function: str, gpu: FakeAmdGpu | None = None) -> None:
        if function in self.failing:
            raise AmdSmiException(self.failing[function])
        if gpu is not None and gpu.gone:
            raise AmdSmiException(31)

    # -- the module's functions ----------------------------------------------------------------

    def amdsmi_init(self) -> None:
        """Begin."""
        self._check("amdsmi_init")
        self.open_count += 1

    def amdsmi_shut_down(self) -> None:
        """End."""
        self.open_count -= 1

    def amdsmi_get_processor_handles(self) -> list[FakeAmdGpu]:
        """All GPUs."""
        self._check("amdsmi_get_processor_handles")
        return list(self.gpus)

    def amdsmi_get_gpu_device_bdf(self, gpu: FakeAmdGpu) -> str:
        """Its place on the PCI bus."""
        self._check("amdsmi_get_gpu_device_bdf")
        return gpu.bdf.upper()

    def amdsmi_get_gpu_asic_info(self, gpu: FakeAmdGpu) -> dict[str, str]:
        """What it is."""
        self._check("amdsmi_get_gpu_asic_info", gpu)
        return {"market_name": "Simulated Instinct", "asic_serial": gpu.serial}

    def amdsmi_get_energy_count(self, gpu: FakeAmdGpu) -> Any:
        """Its energy counter."""
        self._check("amdsmi_get_energy_count", gpu)
        if "amdsmi_get_energy_count" in self.answers:
            return self.answers["amdsmi_get_energy_count"]
        if not gpu.counts_energy:
            raise AmdSmiException(2)
        return {
            gpu.energy_key: round(gpu.shown_j / _J_PER_UNIT),
            "counter_resolution": _J_PER_UNIT * 1e6,
            "timestamp": round(self._now_s * 1e9),
        }

    def amdsmi_get_power_info(self, gpu: FakeAmdGpu) -> Any:
        """Its power."""
        self._check("amdsmi_get_power_info", gpu)
        if "amdsmi_get_power_info" in self.answers:
            return self.answers["amdsmi_get_power_info"]
        powers: dict[str, Any] = dict.fromkeys(
            ("current_socket_power", "average_socket_power"), "N/A"
        )
        powers.update(dict.fromkeys(gpu.power_keys, gpu.power_w))
        return {**powers, "power_limit": 560_000_000}
