"""One contract for every source: read or raise, recover, close twice, tell the truth."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pynvml
import pytest

from greencell.booking import Booking
from greencell.errors import ReadFailed
from greencell.meter import Meter
from greencell.model import FLAGS
from greencell.sources.amdsmi import find_amdsmi
from greencell.sources.apple import find_apple
from greencell.sources.base import EnergyCounter, PowerGauge, PowerModel, Source
from greencell.sources.battery import find_battery
from greencell.sources.emi import find_emi
from greencell.sources.emi_device import IOCTL_GET_MEASUREMENT, WindowsRefusal
from greencell.sources.estimate import core_model, ram_model, tdp_model, vcpu_model
from greencell.sources.host import read_cpu
from greencell.sources.hwmon import find_hwmon
from greencell.sources.jetson import find_jetson
from greencell.sources.nvml import find_gpus
from greencell.sources.perf import find_perf
from greencell.sources.plausible import most_w, read_possible_w
from greencell.sources.rapl import find_counters
from greencell.sources.raspberry_pi import find_raspberry_pi
from greencell.testing import (
    FakeAmdSmi,
    FakeAppleMonitor,
    FakeClock,
    FakeCounter,
    FakeEmiDevice,
    FakeGauge,
    FakeMachineClock,
    FakeModel,
    FakeNvml,
    FakePerf,
    FakeTreeClock,
    HwmonTree,
    NoCompiler,
    PowercapTree,
)

Advance = Callable[[float], None]
Chip = tuple[str, str, dict[str, Any]]
"""A simulated chip: its name, the file of its sensor, and what ``add_chip`` is told besides."""

AMDGPU: Chip = ("amdgpu", "power1_average", {"pci": "0000:03:00.0"})
I915: Chip = ("i915", "energy1_input", {"pci": "0000:03:00.0"})
XE: Chip = ("xe", "energy2_input", {"pci": "0000:03:00.0"})
POWER_METER: Chip = ("power_meter", "power1_average", {})
GRACE: Chip = (
    "power_meter", "power1_average", {"texts": {"power1_oem_info": "Grace Power Socket 0"}},
)  # fmt: skip
AMD_ENERGY: Chip = ("amd_energy", "energy9_input", {"texts": {"energy9_label": "Esocket0"}})
JETSON: Chip = (
    "ina3221", "curr2_input", {"folder": "bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3"},
)  # fmt: skip
BATTERY: Chip = (
    "BAT0",
    "power_now",
    {"folder": "class/power_supply/BAT0", "texts": {"type": "Battery", "status": "Discharging"}},
)


@dataclass
class Case:
    """A source on simulated hardware, with its truth and its faults."""

    source: Source
    advance: Advance
    true_j: Callable[[], float]
    fail: Callable[[], None]
    heal: Callable[[], None]


def rapl_case(tmp_path: Path, fault: str) -> Iterator[Case]:
    tree = PowercapTree(tmp_path)
    tree.add("package-0", power_w=20.0)
    refusing: list[bool] = []

    def opener(path: str) -> int:
        if refusing:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), path)
        return tree.open_readonly(path)

    def close_and_refuse() -> None:
        tree.vanish("package-0")  # an open descriptor would go on being read
        refusing.append(True)

    def come_back() -> None:
        refusing.clear()
        tree.come_back("package-0")

    faults: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "vanished": (lambda: tree.vanish("package-0"), lambda: tree.come_back("package-0")),
        "garbage": (lambda: tree.garbage("package-0"), lambda: tree.advance(0.0)),
        "empty": (lambda: tree.garbage("package-0", ""), lambda: tree.advance(0.0)),
        "refused": (close_and_refuse, come_back),
    }
    (counter,), _ = find_counters([tmp_path], amd=False, opener=opener)
    yield Case(counter, tree.advance, tree.true_j, *faults[fault])
    tree.close()


def nvml_case(tmp_path: Path, *, counts_energy: bool, only: str = "") -> Iterator[Case]:
    try:
        fake = FakeNvml(tmp_path)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    gpu = fake.add_gpu(70.0, counts_energy=counts_energy)
    fake.install(pynvml)
    if only == "mean":
        fake.fail("field 186", pynvml.NVML_ERROR_NOT_SUPPORTED)
    elif only == "module":
        fake.set_module_power(gpu, 70.0)
        fake.fail("field 186/0", pynvml.NVML_ERROR_NOT_SUPPORTED)
    (source,), _ = find_gpus({}, pynvml)
    functions = (
        "nvmlDeviceGetTotalEnergyConsumption",
        "nvmlDeviceGetPowerUsage",
        "nvmlDeviceGetFieldValues",
    )
    yield Case(
        source, fake.advance, lambda: fake.true_j(gpu),
        lambda: [fake.fail(name, pynvml.NVML_ERROR_UNKNOWN) for name in functions] and None,
        fake.heal,
    )  # fmt: skip
    fake.uninstall(pynvml)


def nvml_model_case(tmp_path: Path) -> Iterator[Case]:
    """A virtual GPU that is busy for half of the time, so that the model is right."""
    try:
        fake = FakeNvml(tmp_path)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    gpu = fake.add_gpu(39.2, name="GRID T4-16Q")
    fake.set_virtualization(gpu, pynvml.NVML_GPU_VIRTUALIZATION_MODE_VGPU)
    fake.set_utilization(gpu, 50)
    fake.install(pynvml)
    (source,), _ = find_gpus({}, pynvml)
    yield Case(
        source, fake.advance, lambda: fake.true_j(gpu),
        lambda: fake.fail("nvmlDeviceGetUtilizationRates", pynvml.NVML_ERROR_UNKNOWN),
        fake.heal,
    )  # fmt: skip
    fake.uninstall(pynvml)


def hwmon_case(
    tmp_path: Path, chip: Chip, fault: str, find: Callable[..., Any] = find_hwmon
) -> Iterator[Case]:
    """One sensor of a chip, with the fault of ``HwmonTree`` that is called ``fault``."""
    name, file, options = chip
    tree = HwmonTree(tmp_path)
    tree.add_chip(name, **options)
    if file.startswith("curr"):
        tree.add_rail(name, int(file.removeprefix("curr").removesuffix("_input")), "VDD_CPU", 12.5)
    elif file.startswith("energy"):
        tree.add_energy(name, file, 42.5)
    else:
        tree.add_power(name, file, 42.5)
    sensor = f"{name}/{file}"
    (source,), _ = find(tmp_path, opener=tree.open_readonly)
    yield Case(
        source, tree.advance, tree.true_j,
        lambda: getattr(tree, fault)(sensor), lambda: tree.come_back(sensor),
    )  # fmt: skip
    source.close()


class Firmware:
    """A Raspberry Pi 5 that draws ``power_w`` through one rail."""

    def __init__(self, power_w: float) -> None:
        self.power_w, self.true_j, self.failing = power_w, 0.0, False

    def advance(self, seconds: float) -> None:
        self.true_j += self.power_w * seconds

    def __call__(self, command: Sequence[str], timeout_s: float) -> str:
        if self.failing:
            raise subprocess.TimeoutExpired(command, timeout_s)
        return f"VDD_CORE_A current(7)={self.power_w:.3f}A\nVDD_CORE_V volt(15)=1.000V\n"


def raspberry_pi_case(tmp_path: Path) -> Iterator[Case]:
    model = tmp_path / "firmware/devicetree/base/model"
    model.parent.mkdir(parents=True)
    model.write_text("Raspberry Pi 5 Model B Rev 1.0\0")
    firmware = Firmware(6.5)
    (source,), _ = find_raspberry_pi(tmp_path, tmp_path, runner=firmware)
    yield Case(
        source, firmware.advance, lambda: firmware.true_j,
        lambda: setattr(firmware, "failing", True), lambda: setattr(firmware, "failing", False),
    )  # fmt: skip


def perf_case(tmp_path: Path, event: str, fault: str) -> Iterator[Case]:
    fake = FakePerf(tmp_path)
    fake.add(event, power_w=20.0)
    (counter,), _ = find_perf(tmp_path, amd=False, kernel=fake)
    begin, heal = {
        "refused": ({"fail_reads": errno.EIO}, {"fail_reads": None}),
        "short": ({"short": True}, {"short": False}),
    }[fault]
    yield Case(
        counter, fake.advance, lambda: fake.true_j(event),
        lambda: vars(fake).update(begin), lambda: vars(fake).update(heal),
    )  # fmt: skip


def apple_case(component: str, *metrics: str) -> Iterator[Case]:
    monitor = FakeAppleMonitor(cpu_total_mj=5.0, gpu_mj=2.0, gpu_sram_mj=0.5)
    counters, _ = find_apple("darwin", "arm64", lambda: monitor, monitor.clock_s)
    (counter,) = (one for one in counters if one.info.component == component)
    yield Case(
        counter, monitor.advance, lambda: monitor.true_j(*metrics),
        lambda: setattr(monitor, "failing", True), lambda: setattr(monitor, "failing", False),
    )  # fmt: skip


def emi_case(channel: str, fault: str) -> Iterator[Case]:
    device = FakeEmiDevice({channel: 20.0})
    (counter,), _ = find_emi("win32", amd=False, open_devices=lambda: [("emi0", device)])
    faults: dict[str, Callable[[], None]] = {
        "refused": lambda: device.refuse.update(
            {IOCTL_GET_MEASUREMENT: WindowsRefusal("DeviceIoControl", 31)}
        ),
        "malformed": lambda: device.answers.update({IOCTL_GET_MEASUREMENT: b"short"}),
    }

    def heal() -> None:
        device.refuse.clear()
        device.answers.clear()

    yield Case(counter, device.advance, lambda: device.true_j(channel), faults[fault], heal)


def amd_case(tmp_path: Path, *, counts_energy: bool) -> Iterator[Case]:
    fake = FakeAmdSmi(tmp_path)
    gpu = fake.add_gpu(90.0, counts_energy=counts_energy)
    (source,), _ = find_amdsmi(tmp_path, {}, fake, pause=fake.advance, clock_s=fake.clock_s)
    busy = dict.fromkeys(("amdsmi_get_energy_count", "amdsmi_get_power_info"), 30)
    yield Case(
        source, fake.advance, lambda: gpu.true_j,
        lambda: fake.failing.update(busy), fake.failing.clear,
    )  # fmt: skip


def fake_case(source: Any) -> Iterator[Case]:
    yield Case(
        source, source.advance, lambda: source.true_j,
        lambda: setattr(source, "failing", True), lambda: setattr(source, "failing", False),
    )  # fmt: skip


CASES: dict[str, Callable[[Path], Iterator[Case]]] = {
    "rapl-vanished": lambda path: rapl_case(path, "vanished"),
    "rapl-garbage": lambda path: rapl_case(path, "garbage"),
    "rapl-empty": lambda path: rapl_case(path, "empty"),
    "rapl-refused": lambda path: rapl_case(path, "refused"),
    "nvml-counter": lambda path: nvml_case(path, counts_energy=True),
    "nvml-gauge": lambda path: nvml_case(path, counts_energy=False),
    "amdgpu-gauge-vanished": lambda path: hwmon_case(path, AMDGPU, "vanish"),
    "amdgpu-gauge-garbage": lambda path: hwmon_case(path, AMDGPU, "garbage"),
    "amdgpu-gauge-negative": lambda path: hwmon_case(path, AMDGPU, "negative"),
    "amdgpu-gauge-absurd": lambda path: hwmon_case(path, AMDGPU, "absurd"),
    "power-meter-gauge": lambda path: hwmon_case(path, POWER_METER, "garbage"),
    "grace-gauge": lambda path: hwmon_case(path, GRACE, "vanish"),
    "i915-counter": lambda path: hwmon_case(path, I915, "negative"),
    "xe-counter": lambda path: hwmon_case(path, XE, "absurd"),
    "amd-energy-counter": lambda path: hwmon_case(path, AMD_ENERGY, "vanish"),
    "jetson-gauge-garbage": lambda path: hwmon_case(path, JETSON, "garbage", find_jetson),
    "jetson-gauge-negative": lambda path: hwmon_case(path, JETSON, "negative", find_jetson),
    "battery-gauge-vanished": lambda path: hwmon_case(path, BATTERY, "vanish", find_battery),
    "battery-gauge-absurd": lambda path: hwmon_case(path, BATTERY, "absurd", find_battery),
    "raspberry-pi-gauge": raspberry_pi_case,
    "fake-counter": lambda _: fake_case(FakeCounter(power_w=30.0, period_s=0.001)),
    "nvml-mean-gauge": lambda path: nvml_case(path, counts_energy=False, only="mean"),
    "nvml-module-gauge": lambda path: nvml_case(path, counts_energy=False, only="module"),
    "nvml-model-gauge": nvml_model_case,
    "perf-refused": lambda path: perf_case(path, "energy-pkg", "refused"),
    "perf-short": lambda path: perf_case(path, "energy-ram", "short"),
    "perf-psys": lambda path: perf_case(path, "energy-psys", "refused"),
    "apple-cpu": lambda _: apple_case("cpu", "cpu_total_mj"),
    "apple-gpu": lambda _: apple_case("gpu", "gpu_mj", "gpu_sram_mj"),
    "emi-refused": lambda _: emi_case("RAPL_Package0_PKG", "refused"),
    "emi-malformed": lambda _: emi_case("RAPL_Package0_DRAM", "malformed"),
    "amd-counter": lambda path: amd_case(path, counts_energy=True),
    "amd-gauge": lambda path: amd_case(path, counts_energy=False),
    "fake-gauge": lambda _: fake_case(FakeGauge(power_w=30.0)),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    yield from CASES[request.param](tmp_path)


@pytest.fixture(params=[name for name in CASES if "gauge" not in name])
def counter_case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    yield from CASES[request.param](tmp_path)


def read(source: Source) -> float:
    assert not isinstance(source, PowerModel)
    if isinstance(source, EnergyCounter):
        return source.read()
    return read_possible_w(source, most_w(source))


def metered_j(case: Case, lengths: list[float]) -> float:
    """What the meter makes of the source over these steps."""
    tree = FakeTreeClock()
    clock = FakeClock(case.advance, tree.advance)
    machine = FakeMachineClock(tree)
    meter = Meter([case.source], tree, machine, clock)
    booking = Booking(meter.sources, machine.logical_cpus, 1.0, meter.device_use)
    energy_j = 0.0
    for length in [0.0, *lengths]:
        clock.advance(length)
        snapshot = meter.take_all()
        booking.observe(snapshot)
        (portion,) = booking.book(snapshot, "machine", edge=False).portions
        energy_j += 0.0 if portion is None else portion.machine_j
    return energy_j


def test_it_is_one_of_the_three_kinds(case: Case) -> None:
    """A source is a counter or a gauge, and its info agrees; what is estimated is read too."""
    kinds = {"counter": EnergyCounter, "gauge": PowerGauge, "model": PowerGauge}
    estimated = case.source.info.kind == "model"

    assert isinstance(case.source, kinds[case.source.info.kind])
    assert case.source.info.provenance == ("estimated" if estimated else "measured")
    assert sane(case.source)


def sane(source: Source) -> bool:
    info = source.info
    assert ":" in info.id
    assert info.component in {"cpu", "dram", "gpu", "soc", "ane", "node"}
    assert (info.scope == "node") == (info.component == "node")
    assert all(kind and which for kind, _, which in (part.partition(":") for part in info.parts))
    assert 0 < info.period_s <= (30 if info.scope == "node" else 1)
    assert 0 <= info.lag_s <= max(info.period_s, 1.0)
    assert 0 <= info.resolution_j < 1
    assert 0 <= info.relative_error < 1.1
    assert 0 < info.low_factor <= 1 <= info.high_factor
    assert info.detail
    assert FLAGS.issuperset(info.flags)
    if isinstance(source, EnergyCounter):
        assert source.joules_per_unit > 0
        assert source.range_units is None or source.range_units > 0
        assert 100 <= source.max_power_w <= 10_000
    return True


def test_a_counter_is_monotone(counter_case: Case) -> None:
    """Between wraps a counter never falls, and it stands still while no time passes."""
    readings = []
    for _ in range(50):
        readings.append(read(counter_case.source))
        assert read(counter_case.source) == readings[-1]
        counter_case.advance(0.013)

    assert readings == sorted(readings)
    assert readings[-1] > readings[0]


def test_failures_lose_no_energy(counter_case: Case) -> None:
    """A counter that failed for a while covers that while with its next good read."""
    counter = counter_case.source
    assert isinstance(counter, EnergyCounter)
    before_j, before = counter_case.true_j(), counter.read()
    counter_case.fail()
    with pytest.raises(ReadFailed):
        counter.read()
    counter_case.heal()
    counter_case.advance(2.0)
    counted_j = (counter.read() - before) * counter.joules_per_unit

    assert counted_j == pytest.approx(counter_case.true_j() - before_j, rel=0.02)


def test_a_failed_read_raises_and_recovers(case: Case) -> None:
    """No number comes out of a failed read; once healed, reading goes on."""
    read(case.source)
    case.fail()
    for _ in range(3):
        with pytest.raises(ReadFailed):
            read(case.source)
    case.heal()
    case.advance(0.1)

    assert read(case.source) >= 0


def test_the_meter_finds_the_truth(case: Case) -> None:
    """Over many steps the metered energy is the simulated one, within a tick of the counter."""
    before_j = case.true_j()

    energy_j = metered_j(case, [0.1] * 200)

    assert energy_j == pytest.approx(case.true_j() - before_j, rel=1e-3, abs=1e-3)


def test_closing_twice_is_harmless(case: Case) -> None:
    """What is released is released once."""
    case.source.close()
    case.source.close()


@pytest.mark.parametrize(
    "model",
    [
        tdp_model(65.0, "a CPU"),
        core_model(8, "unknown"),
        vcpu_model(2, read_cpu(Path("/nonexistent"))),
        ram_model(16.0),
        tdp_model(65.0, "a CPU", virtual=True),
        FakeModel(),
    ],
    ids=lambda model: model.info.id,
)
def test_a_model_is_monotone_and_wide(model: PowerModel) -> None:
    """More work never costs less, idle costs something, and the interval is not narrow."""
    powers = [model.power_w(step / 20) for step in range(21)]

    assert isinstance(model, PowerModel)
    assert model.info.kind == "model"
    assert sane(model)
    assert powers == sorted(powers)
    assert powers[0] == pytest.approx(model.idle_w)
    assert model.idle_w > 0
    assert model.info.provenance == "estimated"
    assert model.info.low_factor <= 0.5 < 2.0 <= model.info.high_factor
    assert model.power_w(7.0) == powers[-1]
    assert model.power_w(-1.0) == powers[0]
    model.close()
    model.close()
