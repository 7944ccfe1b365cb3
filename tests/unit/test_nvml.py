"""NVIDIA GPUs on the simulated library under the real bindings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest

from greencell.errors import ReadFailed, SourceGone, SourceUnavailable
from greencell.sources.discovery import Places, discover
from greencell.sources.nvml import NvmlCounter, NvmlGauge, find_gpus, is_visible
from greencell.testing import FakeNvml, NoCompiler

FUNCTIONS = [
    "nvmlInitWithFlags", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2",
    "nvmlDeviceGetUUID", "nvmlDeviceGetName", "nvmlDeviceGetTotalEnergyConsumption",
    "nvmlDeviceGetPowerUsage", "nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetMigMode",
    "nvmlDeviceGetFieldValues", "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlShutdown",
]  # fmt: skip


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeNvml]:
    try:
        library = FakeNvml(tmp_path)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    library.install(pynvml)
    yield library
    library.heal()
    library.uninstall(pynvml)


def test_the_counter_is_preferred_and_power_is_the_second_choice(fake: FakeNvml) -> None:
    """Volta and newer count; Pascal only shows power."""
    fake.add_gpu(70.0)
    fake.add_gpu(50.0, counts_energy=False)

    (counter, gauge), skipped = find_gpus({}, pynvml)

    assert isinstance(counter, NvmlCounter)
    assert isinstance(gauge, NvmlGauge)
    assert gauge.read_w() == 50.0
    assert skipped == []


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6, 9, 10, 13, 15, 16, 27, 999])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_failure_of_any_call_is_survived_at_discovery(
    fake: FakeNvml, function: str, code: int
) -> None:
    """Discovery never raises; what cannot be used is named with its reason."""
    fake.add_gpu(70.0)
    fake.fail(function, code)

    found = discover(Places(nvml=pynvml))

    gpus = [source for source in found.sources if source.info.component == "gpu"]
    assert gpus or any(skipped.id.startswith("nvml") for skipped in found.skipped)
    for source in gpus:
        source.close()


def test_a_lost_gpu_is_gone_and_anything_else_may_come_back(fake: FakeNvml) -> None:
    """The two meanings of a failure."""
    fake.add_gpu(70.0)
    (counter,), _ = find_gpus({}, pynvml)
    assert isinstance(counter, NvmlCounter)
    fake.fail("nvmlDeviceGetTotalEnergyConsumption", pynvml.NVML_ERROR_TIMEOUT, times=1)
    with pytest.raises(ReadFailed):
        counter.read()
    counter.read()
    fake.fail("nvmlDeviceGetTotalEnergyConsumption", pynvml.NVML_ERROR_GPU_IS_LOST)
    with pytest.raises(SourceGone):
        counter.read()


def test_no_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library there is a reason and no GPU."""
    pynvml.nvmlLib = None
    monkeypatch.setattr(pynvml, "CDLL", _no_library)
    with pytest.raises(SourceUnavailable, match="no NVIDIA driver"):
        find_gpus({}, pynvml)


def _no_library(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file")


def test_other_processes_are_seen(fake: FakeNvml) -> None:
    """A process outside our tree makes the device shared."""
    gpu = fake.add_gpu(70.0)
    (source,), _ = find_gpus({}, pynvml)
    fake.set_processes(gpu, [10, 11])

    assert source.other_processes(frozenset({10, 11})) is False
    assert source.other_processes(frozenset({10})) is True


def test_mig_is_flagged(fake: FakeNvml) -> None:
    """A board that is split shows its whole power to each of its users."""
    fake.set_mig(fake.add_gpu(70.0), on=True)

    (source,), _ = find_gpus({}, pynvml)

    assert source.info.flags == ("mig",)


@pytest.mark.parametrize(
    ("visible", "seen"),
    [
        (None, [0, 1]),
        ("", []),
        ("-1", []),
        ("1", [1]),
        ("0,1", [0, 1]),
        ("GPU-00000002", [1]),
        ("GPU-00000001-0000-0000-0000-000000000000", [0]),
        ("0,-1,1", [0]),
        (" 1 , 0", [0, 1]),
    ],
)
def test_cuda_visible_devices_is_honoured(visible: str | None, seen: list[int]) -> None:
    """By index, by UUID, by prefix, empty; what stands behind nonsense is not seen."""
    uuids = ["GPU-00000001-0000-0000-0000-000000000000", "GPU-00000002-0000-0000-0000-000000000000"]

    assert [i for i, uuid in enumerate(uuids) if is_visible(visible, i, uuid)] == seen
