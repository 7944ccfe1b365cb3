"""A stand-in for ``libnvidia-ml.so.1`` under the real bindings, compiled when it is needed."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

_SOURCE = Path(__file__).parent / "fake_nvml.c"
LIBRARY_NAME = "libnvidia-ml.so.1"


class NoCompiler(Exception):
    """There is no C compiler that works; skip the test with this reason."""


def build(folder: Path) -> Path:
    """Compile the library into ``folder``; put that on ``LD_LIBRARY_PATH`` of a new process.

    A library that is already there and newer than its source is taken as it is.

    Raises:
        NoCompiler: there is none on the PATH, or it lacks what it needs (headers, a linker).
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler("no C compiler for the simulated NVML")
    path = folder / LIBRARY_NAME
    if path.exists() and path.stat().st_mtime >= _SOURCE.stat().st_mtime:
        return path
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(path), str(_SOURCE)]
    done = subprocess.run(  # noqa: S603  # our own source, our own folder
        command, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise NoCompiler(f"{compiler} cannot compile the simulated NVML: {lines[0]}")
    return path


class FakeNvml:
    """Simulated GPUs for the module ``pynvml`` of this process.

    ::

        fake = FakeNvml(tmp_path)
        gpu = fake.add_gpu(power_w=70.0)
        fake.install(pynvml)
        fake.advance(1.0)
    """

    def __init__(self, folder: Path) -> None:
        self._library = ctypes.CDLL(str(build(folder)))
        self._library.fake_true_joules.restype = ctypes.c_double
        self._library.fake_reset()
        self._count = 0

    def add_gpu(
        self,
        power_w: float = 0.0,
        *,
        counts_energy: bool = True,
        update_s: float = 0.02,
        name: str = "Simulated GPU",
    ) -> int:
        """Add a GPU and return its index."""
        self._count += 1
        uuid = f"GPU-{self._count:08x}-0000-0000-0000-000000000000"
        update_us = ctypes.c_uint64(round(update_s * 1e6))
        index = int(
            self._library.fake_add_gpu(name.encode(), uuid.encode(), int(counts_energy), update_us)
        )
        self.set_power(index, power_w)
        return index

    def set_power(self, gpu: int, power_w: float) -> None:
        """Draw another power from now on."""
        self._library.fake_set_power_mw(gpu, ctypes.c_uint64(round(power_w * 1000)))

    def set_module_power(self, gpu: int, power_w: float) -> None:
        """Put the GPU on a superchip that draws this, the GPU's own power included."""
        self._library.fake_set_module_power_mw(gpu, ctypes.c_uint64(round(power_w * 1000)))

    def set_architecture(
        self, gpu: int, architecture: int, capability: tuple[int, int] = (0, 0)
    ) -> None:
        """Its ``NVML_DEVICE_ARCH_…`` and CUDA compute capability."""
        self._library.fake_set_architecture(gpu, architecture, *capability)

    def set_virtualization(self, gpu: int, mode: int) -> None:
        """Its ``NVML_GPU_VIRTUALIZATION_MODE_…``; a virtual GPU shows no energy and no power."""
        self._library.fake_set_virtualization(gpu, mode)

    def set_utilization(self, gpu: int, percent: int, memory_percent: int = 0) -> None:
        """How busy it is, and its memory, in percent of the time; a GPU with MIG does not tell."""
        self._library.fake_set_utilization(gpu, percent, memory_percent)

    def freeze(self, gpu: int, *, frozen: bool = True) -> None:
        """The energy counter stands still while energy goes on."""
        self._library.fake_freeze(gpu, int(frozen))

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._library.fake_advance_us(ctypes.c_uint64(round(seconds * 1e6)))

    def use_real_time(self) -> None:
        """Count by the machine's clock from now on."""
        self._library.fake_use_real_time()

    def true_j(self, gpu: int) -> float:
        """The exact energy of a GPU so far."""
        return float(self._library.fake_true_joules(gpu))

    def fail(self, function: str, code: int, *, gpu: int = -1, times: int = -1) -> None:
        """Have an NVML function fail, on one GPU or all, a number of times or until ``heal``.

        ``"field 186"`` has that one field of ``nvmlDeviceGetFieldValues`` fail, ``"field 186/0"``
        only in the scope of the GPU.
        """
        self._library.fake_fail(function.encode(), gpu, code, times)

    def delay(self, function: str, seconds: float) -> None:
        """Have an NVML function really take so long, until ``heal``."""
        self._library.fake_set_delay_us(function.encode(), round(seconds * 1e6))

    def heal(self) -> None:
        """Nothing fails or dawdles any more."""
        self._library.fake_heal()

    def driver_reload(self) -> None:
        """All counters start again at 0."""
        self._library.fake_driver_reload()

    def set_mig(self, gpu: int, *, on: bool, instance_uuid: str = "") -> None:
        """Switch MIG; the GPU then holds one instance, with this UUID if it is given."""
        self._library.fake_set_mig(gpu, int(on), instance_uuid.encode())

    def set_processes(self, gpu: int, processes: Iterable[int] | Mapping[int, int]) -> None:
        """The processes that compute on a GPU, with the percentage of its time each takes."""
        used = dict(processes) if isinstance(processes, Mapping) else dict.fromkeys(processes, 0)
        pids = (ctypes.c_uint * len(used))(*used)
        percentages = (ctypes.c_uint * len(used))(*used.values())
        self._library.fake_set_processes(gpu, pids, percentages, len(used))

    @property
    def open_count(self) -> int:
        """How often the library was initialised and not shut down."""
        return int(self._library.fake_open_count())

    def install(self, nvml: ModuleType) -> None:
        """Have the bindings use this library."""
        nvml.nvmlLib = self._library  # type: ignore[attr-defined]  # the bindings' own global
        nvml._nvmlGetFunctionPointer_cache.clear()  # noqa: SLF001  # it holds the old library

    def uninstall(self, nvml: ModuleType) -> None:
        """Leave the bindings as if never used."""
        nvml.nvmlLib = None  # type: ignore[attr-defined]  # likewise
        nvml._nvmlGetFunctionPointer_cache.clear()  # noqa: SLF001  # likewise
