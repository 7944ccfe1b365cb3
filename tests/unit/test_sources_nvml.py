"""NVIDIA GPUs on the simulated library under the real bindings."""

from __future__ import annotations

from pathlib import Path

import pynvml
import pytest

from greencell.errors import ReadFailed, SourceGone, SourceUnavailable
from greencell.sources.discovery import Places, discover
from greencell.sources.nvml import NvmlCounter, NvmlGauge, find_gpus
from greencell.testing import FakeNvml

FUNCTIONS = [
    "nvmlInitWithFlags", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2",
    "nvmlDeviceGetUUID", "nvmlDeviceGetName", "nvmlDeviceGetTotalEnergyConsumption",
    "nvmlDeviceGetPowerUsage", "nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetMigMode",
    "nvmlDeviceGetFieldValues", "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlShutdown",
    "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetDeviceHandleFromMigDeviceHandle",
    "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetArchitecture", "nvmlDeviceGetVirtualizationMode",
    "nvmlDeviceGetCudaComputeCapability", "nvmlDeviceGetProcessUtilization",
    "nvmlDeviceGetUtilizationRates",
]  # fmt: skip


def test_the_counter_is_preferred_and_power_is_the_second_choice(fake: FakeNvml) -> None:
    """Volta and newer count; Pascal only shows power."""
    fake.add_gpu(70.0)
    fake.add_gpu(50.0, counts_energy=False)

    (counter, gauge), skipped = find_gpus({}, pynvml)

    assert isinstance(counter, NvmlCounter)
    assert isinstance(gauge, NvmlGauge)
    assert gauge.read_w() == 50.0
    assert skipped == []


@pytest.mark.parametrize("code", [*range(1, 31), 999])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_failure_of_any_call_is_survived_at_discovery(
    fake: FakeNvml, function: str, code: int
) -> None:
    """Discovery never raises; what cannot be used is named with its reason."""
    fake.set_mig(fake.add_gpu(70.0), on=True, instance_uuid="MIG-1")
    fake.fail(function, code)

    found = discover(Places(nvml=pynvml, environment={"CUDA_VISIBLE_DEVICES": "MIG-1"}))

    gpus = [source for source in found.sources if source.info.component == "gpu"]
    assert gpus or any(skipped.id.startswith("nvml") for skipped in found.skipped)
    for source in gpus:
        source.close()
    fake.heal()
    if function != "nvmlShutdown":
        assert fake.open_count == 0


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


@pytest.mark.parametrize("code", [*range(1, 31), 999])
@pytest.mark.parametrize("counts_energy", [True, False])
def test_every_code_of_a_read_is_one_of_the_two_meanings(
    fake: FakeNvml, code: int, counts_energy: bool
) -> None:
    """Never a number, never another exception; after healing a counter goes on."""
    fake.add_gpu(70.0, counts_energy=counts_energy)
    (source,), _ = find_gpus({}, pynvml)
    read = source.read if isinstance(source, NvmlCounter) else source.read_w
    for function in FUNCTIONS:
        fake.fail(function, code)
    expected = SourceGone if code in {15, 16} else ReadFailed

    with pytest.raises(expected):
        read()

    fake.heal()
    assert read() >= 0
    source.close()


def test_one_stumble_at_the_start_does_not_cost_the_counter(fake: FakeNvml) -> None:
    """Power is the second choice for a GPU that cannot count, not for one that was busy."""
    fake.add_gpu(70.0)
    fake.fail("nvmlDeviceGetTotalEnergyConsumption", pynvml.NVML_ERROR_TIMEOUT, times=1)

    (source,), _ = find_gpus({}, pynvml)

    assert isinstance(source, NvmlCounter)


def test_instant_power_is_preferred_to_the_average(fake: FakeNvml) -> None:
    """Either alone is enough for a gauge."""
    fake.add_gpu(50.0, counts_energy=False)
    for broken in ("nvmlDeviceGetPowerUsage", "nvmlDeviceGetFieldValues", "field 186"):
        fake.fail(broken, pynvml.NVML_ERROR_NOT_SUPPORTED)
        (gauge,), skipped = find_gpus({}, pynvml)
        assert isinstance(gauge, NvmlGauge)
        assert gauge.read_w() == 50.0
        assert skipped == []
        fake.heal()


@pytest.mark.parametrize(
    ("code", "flag", "remedy"),
    [
        (4, "no-permission", "/dev/nvidia"),
        (9, "unsupported", "modprobe"),
        (15, "lost", "restart"),
        (16, "lost", "--gpu-reset"),
        (18, "unsupported", "restart"),
        (999, "unsupported", "nvidia-smi"),
    ],
)
def test_what_the_user_can_do_is_said(fake: FakeNvml, code: int, flag: str, remedy: str) -> None:
    """The same code means the same for the library and for one GPU."""
    fake.add_gpu(70.0)
    fake.fail("nvmlDeviceGetHandleByIndex_v2", code)
    _, (one,) = find_gpus({}, pynvml)
    fake.heal()
    fake.fail("nvmlInitWithFlags", code)
    with pytest.raises(SourceUnavailable) as whole:
        find_gpus({}, pynvml)

    assert one.flag == whole.value.flag == flag
    assert remedy in one.remedy
    assert remedy in whole.value.remedy


def test_the_library_is_shut_down_with_its_last_gpu(fake: FakeNvml) -> None:
    """Once, however often a source is closed."""
    for _ in range(3):
        fake.add_gpu(70.0)
    sources, _ = find_gpus({}, pynvml)
    counts = []
    for source in sources:
        source.close()
        source.close()
        counts.append(fake.open_count)

    assert counts == [1, 1, 0]


def test_a_driver_reload_makes_the_counter_smaller(fake: FakeNvml) -> None:
    """It never wraps, so a smaller value can only be a reset."""
    fake.add_gpu(100.0)
    (counter,), _ = find_gpus({}, pynvml)
    assert isinstance(counter, NvmlCounter)
    fake.advance(10.0)
    before = counter.read()
    fake.driver_reload()

    assert counter.range_units is None
    assert before == 1_000_000
    assert counter.read() == 0


def test_a_limit_gives_the_highest_plausible_power(fake: FakeNvml) -> None:
    """Twice the enforced limit, and never more than a board can draw; so much where none is told."""
    fake.add_gpu(70.0)
    (known,), _ = find_gpus({}, pynvml)
    fake.fail("nvmlDeviceGetEnforcedPowerLimit", pynvml.NVML_ERROR_NOT_SUPPORTED)
    (unknown,), _ = find_gpus({}, pynvml)

    assert [known.max_power_w, unknown.max_power_w] == [1_400.0, 3_000.0]


def test_a_gpu_without_decorations_still_counts(fake: FakeNvml) -> None:
    """Name, UUID, limit and MIG mode are optional."""
    fake.add_gpu(70.0)
    for function in FUNCTIONS[3:5] + FUNCTIONS[7:9]:
        fake.fail(function, pynvml.NVML_ERROR_UNKNOWN)

    (counter,), _ = find_gpus({}, pynvml)

    assert counter.info.id == "nvml:0"
    assert counter.info.detail.startswith("GPU 0,")


def test_a_field_that_fails_alone_is_a_failed_read(fake: FakeNvml) -> None:
    """The call succeeds, its one value does not: that is no power of 0 W."""
    fake.add_gpu(50.0, counts_energy=False)
    (gauge,), _ = find_gpus({}, pynvml)
    assert isinstance(gauge, NvmlGauge)
    fake.fail("field 186", pynvml.NVML_ERROR_UNKNOWN)
    with pytest.raises(ReadFailed):
        gauge.read_w()
    fake.heal()
    fake.fail("field 186", pynvml.NVML_ERROR_GPU_IS_LOST)
    with pytest.raises(SourceGone):
        gauge.read_w()


def test_no_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library there is a reason and no GPU."""
    pynvml.nvmlLib = None
    monkeypatch.setattr(pynvml, "CDLL", _no_library)
    with pytest.raises(SourceUnavailable, match="no NVIDIA driver"):
        find_gpus({}, pynvml)


def _no_library(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file")


def test_other_processes_are_seen(fake: FakeNvml) -> None:
    """A process outside our tree is counted among the others."""
    gpu = fake.add_gpu(70.0)
    (source,), _ = find_gpus({}, pynvml, Path("/nonexistent"))
    fake.set_processes(gpu, [10, 11])

    assert source.use(frozenset({10, 11})).other_processes == 0  # type: ignore[union-attr]
    assert source.use(frozenset({10})).other_processes == 1  # type: ignore[union-attr]
    fake.fail("nvmlDeviceGetComputeRunningProcesses_v3", pynvml.NVML_ERROR_NO_PERMISSION)
    assert source.use(frozenset({10})) is None


@pytest.mark.parametrize(("namespace", "told"), [(4026531836, True), (4026532999, False)])
def test_the_numbers_of_another_namespace_mean_nothing(
    fake: FakeNvml, tmp_path: Path, namespace: int, told: bool
) -> None:
    """In a container the driver's process numbers are the host's: nobody is accused."""
    gpu = fake.add_gpu(70.0)
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").symlink_to(f"pid:[{namespace}]")
    (source,), _ = find_gpus({}, pynvml, tmp_path)
    fake.set_processes(gpu, [10])

    assert (source.use(frozenset({7})) is not None) is told


def test_mig_is_flagged(fake: FakeNvml) -> None:
    """A board that is split shows its whole power to each of its users."""
    fake.set_mig(fake.add_gpu(70.0), on=True)

    (source,), _ = find_gpus({}, pynvml)

    assert source.info.flags == ("mig",)


def test_cuda_visible_devices_chooses_the_gpus(fake: FakeNvml) -> None:
    """What is left out has its reason, and a doubt about the order its remedy."""
    for name in ("Fast", "Slow"):
        fake.add_gpu(70.0, name=name)
    chosen, (left_out,) = find_gpus({"CUDA_VISIBLE_DEVICES": "1"}, pynvml)
    in_order = {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    _, (surely_left_out,) = find_gpus(in_order, pynvml)

    assert [source.info.id for source in chosen] == ["nvml:GPU-00000002"]
    assert left_out.id == "nvml:GPU-00000001"
    assert "CUDA_VISIBLE_DEVICES" in left_out.reason
    assert "PCI_BUS_ID" in left_out.remedy
    assert surely_left_out.remedy == ""


def test_a_mig_instance_shows_the_board_that_holds_it(fake: FakeNvml) -> None:
    """Energy is the board's: it is metered, and flagged."""
    fake.add_gpu(70.0)
    fake.set_mig(fake.add_gpu(70.0), on=True, instance_uuid="MIG-6f1e")

    (source,), _ = find_gpus({"CUDA_VISIBLE_DEVICES": "MIG-6f1e"}, pynvml)

    assert source.info.id == "nvml:GPU-00000002"
    assert source.info.flags == ("mig",)


def test_a_gpu_that_does_not_open_keeps_its_index(fake: FakeNvml) -> None:
    """The others are not renumbered."""
    for _ in range(3):
        fake.add_gpu(70.0)
    fake.fail("nvmlDeviceGetHandleByIndex_v2", pynvml.NVML_ERROR_GPU_IS_LOST, gpu=0)

    chosen, skipped = find_gpus({"CUDA_VISIBLE_DEVICES": "2"}, pynvml)

    assert [source.info.id for source in chosen] == ["nvml:GPU-00000003"]
    assert [one.id for one in skipped] == ["nvml:0", "nvml:GPU-00000002"]


def gauge_of(fake: FakeNvml) -> NvmlGauge:
    (gauge,), skipped = find_gpus({}, pynvml)
    assert isinstance(gauge, NvmlGauge)
    assert skipped == []
    return gauge


def test_the_part_is_the_pci_place_as_linux_writes_it(fake: FakeNvml) -> None:
    """So that other sources of the same board can be told; else the UUID, else the index."""
    fake.add_gpu(70.0)
    fake.add_gpu(50.0, counts_energy=False)
    (counter, gauge), _ = find_gpus({}, pynvml)
    fake.fail("nvmlDeviceGetPciInfo_v3", pynvml.NVML_ERROR_UNKNOWN)
    (named, _), _ = find_gpus({}, pynvml)
    fake.fail("nvmlDeviceGetUUID", pynvml.NVML_ERROR_UNKNOWN)
    (_, numbered), _ = find_gpus({}, pynvml)

    assert counter.info.parts == ("gpu:0000:01:00.0",)
    assert gauge.info.parts == ("gpu:0000:02:00.0",)
    assert named.info.parts == ("gpu:GPU-00000001-0000-0000-0000-000000000000",)
    assert numbered.info.parts == ("gpu:1",)


@pytest.mark.parametrize(
    ("architecture", "capability", "lag_s"),
    [(4, (6, 0), 0.0), (7, (8, 0), 0.0), (7, (8, 6), 0.5), (9, (9, 0), 0.5)],
    ids=["Pascal", "GA100", "GA102", "Hopper"],
)
def test_a_mean_over_a_second_is_half_a_second_late(
    fake: FakeNvml, architecture: int, capability: tuple[int, int], lag_s: float
) -> None:
    """Where the driver has only the old call, its age tells what the call shows."""
    gpu = fake.add_gpu(50.0, counts_energy=False)
    fake.set_architecture(gpu, architecture, capability)
    assert gauge_of(fake).info.lag_s == 0.0  # instant power

    fake.fail("field 186", pynvml.NVML_ERROR_NOT_SUPPORTED)
    assert gauge_of(fake).info.lag_s == 0.5  # the field that is a mean by its name

    fake.fail("field 185", pynvml.NVML_ERROR_NOT_SUPPORTED)
    assert gauge_of(fake).info.lag_s == lag_s


def test_a_driver_that_knows_no_architectures_is_older_than_the_mean(fake: FakeNvml) -> None:
    """An Ampere whose capability is hidden is taken for the common kind."""
    gpu = fake.add_gpu(50.0, counts_energy=False)
    fake.set_architecture(gpu, pynvml.NVML_DEVICE_ARCH_AMPERE, (8, 0))
    fake.fail("nvmlDeviceGetFieldValues", pynvml.NVML_ERROR_NOT_SUPPORTED)
    fake.fail("nvmlDeviceGetCudaComputeCapability", pynvml.NVML_ERROR_UNKNOWN)
    assert gauge_of(fake).info.lag_s == 0.5

    fake.fail("nvmlDeviceGetArchitecture", pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    assert gauge_of(fake).info.lag_s == 0.0


def test_a_superchip_that_shows_only_the_module_holds_its_cpu_too(fake: FakeNvml) -> None:
    """Grace Hopper: the CPU must not be counted a second time."""
    gpu = fake.add_gpu(300.0, counts_energy=False)
    fake.set_module_power(gpu, 420.0)
    assert gauge_of(fake).info.parts == ("gpu:0000:01:00.0",)

    fake.fail("field 186/0", pynvml.NVML_ERROR_NOT_SUPPORTED)
    gauge = gauge_of(fake)

    assert gauge.read_w() == 420.0
    assert gauge.info.parts == ("gpu:0000:01:00.0", "cpu:*")
    assert "superchip, CPU included" in gauge.info.detail


def test_a_virtual_gpu_of_an_unknown_board_is_named_as_such(fake: FakeNvml) -> None:
    """Nothing of it can be read, no model knows it, and no setting would change that."""
    gpu = fake.add_gpu(70.0)
    fake.set_virtualization(gpu, pynvml.NVML_GPU_VIRTUALIZATION_MODE_VGPU)
    sources, (one,) = find_gpus({}, pynvml)

    assert sources == []
    assert one.reason.startswith("a virtual GPU shows neither energy nor power, and Simulated GPU")
    assert one.flag == "virtual"
    assert one.remedy == ""
    assert fake.open_count == 0


@pytest.mark.parametrize("code", [3, 4, 999])
def test_a_gpu_that_is_passed_through_is_not_virtual(fake: FakeNvml, code: int) -> None:
    """It is a whole board; what it does not show has the driver's own reason."""
    gpu = fake.add_gpu(70.0, counts_energy=False)
    fake.set_virtualization(gpu, pynvml.NVML_GPU_VIRTUALIZATION_MODE_PASSTHROUGH)
    for function in ("nvmlDeviceGetFieldValues", "nvmlDeviceGetPowerUsage"):
        fake.fail(function, code)

    _, (one,) = find_gpus({}, pynvml)

    assert one.flag != "virtual"
