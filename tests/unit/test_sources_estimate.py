"""Models: the tables are found by the names that machines give, and the watts are as stated."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from greencell.data import DATA
from greencell.meter import Meter
from greencell.running_session import Equipment, Session
from greencell.sources.discovery import Discovery, Places, discover
from greencell.sources.estimate import (
    core_model,
    design_power_of,
    is_distinct,
    match_key,
    more_ram_model,
    ram_model,
    tdp_model,
    vcpu_model,
)
from greencell.sources.host import CpuInfo
from greencell.testing import FakeClock, FakeMachineClock, FakeTreeClock, PowercapTree
from tests_support import CARBON, HOST


@pytest.mark.parametrize(
    ("name", "tdp_w"),
    [
        ("Intel(R) Core(TM) i7-8565U CPU @ 1.80GHz", 15.0),
        ("13th Gen Intel(R) Core(TM) i9-13900K", 125.0),
        ("Intel(R) Core(TM) Ultra 7 155H", 28.0),
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", 120.0),
        ("Intel(R) Xeon(R) Platinum 8480+", 350.0),
        ("INTEL(R) XEON(R) PLATINUM 8558", 330.0),
        ("AMD Ryzen 9 5950X 16-Core Processor", 105.0),
        ("AMD Ryzen 7 5800U with Radeon Graphics", 15.0),
        ("AMD Ryzen 7 7840U w/ Radeon  780M Graphics", 28.0),
        ("AMD Ryzen Threadripper PRO 5995WX 64-Cores", 280.0),
        ("AMD A10-7850K Radeon R7, 12 Compute Cores 4C+8G", 95.0),
        ("AMD FX(tm)-8350 Eight-Core Processor", 125.0),
        ("AMD EPYC 7763 64-Core Processor", 280.0),
    ],
)
def test_the_names_that_machines_give_are_found(name: str, tdp_w: float) -> None:
    """As ``/proc/cpuinfo`` writes them."""
    known = design_power_of(name)

    assert known is not None
    assert known.tdp_w == tdp_w


@pytest.mark.parametrize(
    "name",
    ["", "   ", "unknown", "QEMU Virtual CPU version 2.5+", "AMD EPYC-Rome Processor", ",,,"],
)
def test_what_is_in_no_table_is_not_guessed(name: str) -> None:
    """A wrong processor is worse than none."""
    assert design_power_of(name) is None


def test_every_row_is_found_by_its_own_name() -> None:
    """The key of the code is the key of the table; four rows are known to be cut short."""
    with (DATA / "cpu_tdp.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    differing = [row["model"] for row in rows if match_key(row["model"]) != row["match_key"]]

    assert len(rows) > 4_000
    assert len(differing) <= 4, differing


#: What machines give, with the base power in W, the threads, and the highest power at full load
#: that must lie within the interval.
MACHINES = [
    ("13th Gen Intel(R) Core(TM) i5-1335U", 15, 12, 25),
    ("12th Gen Intel(R) Core(TM) i7-1270P", 28, 16, 60),
    ("12th Gen Intel(R) Core(TM) i7-12700K", 125, 20, 190),
    ("12th Gen Intel(R) Core(TM) i5-12600K", 125, 16, 150),
    ("AMD Ryzen 9 9900X 12-Core Processor", 120, 24, 190),
    ("Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", 115, None, 115),
    ("12th Gen Intel(R) Core(TM) i7-1260P", 28, 16, 60),
    ("Intel(R) Core(TM) i5-14600K", 125, 20, 181),
    ("12th Gen Intel(R) Core(TM) i9-12900K", 125, 24, 241),
    ("13th Gen Intel(R) Core(TM) i7-13700H", 45, 20, 115),
    ("Intel(R) Core(TM) Ultra 7 155H", 28, 22, 65),
    ("Intel(R) Core(TM) Ultra 7 258V", 17, 8, 37),
    ("Intel(R) Core(TM) Ultra 5 125U", 15, 14, 40),
    ("AMD Ryzen 7 PRO 7840U w/ Radeon 780M Graphics", 28, 16, 40),
    ("AMD EPYC 9R14", 360, 192, 360),
    ("AMD EPYC 9R14 96-Core Processor", 360, 192, 360),
    ("Intel(R) Xeon(R) w9-3495X", 350, 112, 420),
    ("Apple M1 Pro", 30, 10, 40),
    ("Intel(R) Core(TM) i5-2400 CPU @ 3.10GHz", 95, 4, 95),
    ("Intel(R) Core(TM) i3-N305", 15, 8, 22),
    ("Intel(R) Xeon(R) CPU Max 9460", 350, None, 350),
    ("AMD Ryzen 9 7950X 16-Core Processor", 170, 32, 230),
    ("Intel(R) Core(TM) Ultra 9 285K", 125, 24, 250),
    ("Intel(R) Core(TM) i9-14900HX", 55, 32, 157),
]


@pytest.mark.parametrize(("name", "tdp_w", "threads", "most_w"), MACHINES)
def test_base_power_is_taken_and_turbo_is_the_high_end(
    name: str, tdp_w: float, threads: int | None, most_w: float
) -> None:
    """A laptop's chip is no desktop's; what it draws at full load lies within the interval."""
    known = design_power_of(name)

    assert known is not None
    assert known.tdp_w == tdp_w
    assert threads is None or known.threads == threads
    model = tdp_model(known.tdp_w, name, turbo_w=known.turbo_w)
    assert model.power_w(1.0) * model.info.high_factor >= most_w
    assert model.power_w(1.0) * model.info.low_factor <= tdp_w / 2


@pytest.mark.parametrize(
    "name",
    [
        "Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel(R) Xeon(R) Processor", "AMD EPYC",
        "AMD EPYC Processor", "AMD EPYC-Rome Processor", "QEMU Virtual CPU version 2.5+",
        "Intel Xeon Processor (Skylake, IBRS)", "Common KVM processor", "Intel(R) Core(TM) i7",
        "Intel(R) Core(TM) i5 processor", "Intel Atom", "Intel Celeron", "Intel Xeon Phi", "Intel",
        "Intel(R) Pentium(R) Gold", "AMD Ryzen 7", "Intel Core Ultra 7", "Apple", "", "\x00\ufffd",
    ],
)  # fmt: skip
def test_the_name_of_a_family_is_no_processor(name: str) -> None:
    """Hypervisors show such; a row that happened to have it gave 350 W to two virtual CPUs."""
    assert design_power_of(name) is None


def test_every_key_names_one_processor() -> None:
    """And no key is there twice."""
    with (DATA / "cpu_tdp.csv").open(encoding="utf-8", newline="") as file:
        keys = [row["match_key"] for row in csv.DictReader(file)]

    assert [key for key in keys if not is_distinct(key)] == []
    assert len(set(keys)) == len(keys)


def test_the_table_is_not_opened_where_a_meter_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is large, and only the model needs it."""
    monkeypatch.setattr("greencell.sources.estimate.DATA", tmp_path / "nowhere")
    tree = PowercapTree(tmp_path)
    tree.add("package-0")
    tree.close()

    sources = found(tmp_path, EPYC).sources

    assert [source.info.id for source in sources] == ["rapl:package-0", "model:ram"]
    with pytest.raises(FileNotFoundError):
        design_power_of("AMD EPYC 7763")


def test_the_formula_of_the_design_power() -> None:
    """P = TDP (0.12 + 0.63 u^0.6)."""
    model = tdp_model(100.0, "a CPU")

    assert model.power_w(0.0) == pytest.approx(12.0)
    assert model.power_w(0.5) == pytest.approx(100 * (0.12 + 0.63 * 0.5**0.6))
    assert model.power_w(1.0) == pytest.approx(75.0)
    assert (model.info.low_factor, model.info.high_factor) == (0.5, 2.0)


@pytest.mark.parametrize(
    ("cpu", "idle_w", "full_w", "factors"),
    [
        (CpuInfo("?", "", None, None, None, True), 0.65, 3.3, (0.4, 2.0)),
        (CpuInfo("AMD EPYC", "AuthenticAMD", 25, 1, 1, True), 0.42, 1.92, (0.45, 1.58)),
        (CpuInfo("AMD EPYC", "AuthenticAMD", 25, 17, 1, True), 0.31, 1.64, (0.45, 1.53)),
        (CpuInfo("AMD EPYC 9R45", "AuthenticAMD", 26, 2, 1, True), 0.21, 1.17, (0.45, 1.86)),
        (CpuInfo("Intel Xeon", "GenuineIntel", 6, 85, 7, True), 0.57, 4.03, (0.45, 1.64)),
        (CpuInfo("Intel Xeon", "GenuineIntel", 6, 85, 4, True), 0.52, 4.12, (0.45, 1.54)),
        (CpuInfo("AMD K10", "AuthenticAMD", 16, 2, 1, True), 0.65, 3.3, (0.4, 2.0)),
    ],
)
def test_the_watts_of_a_virtual_cpu(
    cpu: CpuInfo, idle_w: float, full_w: float, factors: tuple[float, float]
) -> None:
    """By family and model even where the name hides them; rows marked as wrong are not used."""
    model = vcpu_model(4, cpu)

    assert model.idle_w == pytest.approx(4 * idle_w, rel=0.02)
    assert model.power_w(1.0) == pytest.approx(4 * full_w, rel=0.02)
    assert (model.info.low_factor, model.info.high_factor) == pytest.approx(factors, abs=0.01)
    assert model.info.flags == ("virtual",)


MAPPED = {
    "Sandy Bridge": (6, 45, 0), "Ivy Bridge": (6, 62, 0), "Haswell": (6, 63, 0),
    "Broadwell": (6, 79, 0), "Skylake": (6, 85, 4), "Cascade Lake": (6, 85, 7),
    "Ice Lake": (6, 106, 6), "Sapphire Rapids": (6, 143, 8), "Emerald Rapids": (6, 207, 2),
    "Granite Rapids": (6, 173, 1), "Sierra Forest": (6, 175, 3), "Zen": (23, 1, 2),
    "Zen 2": (23, 49, 0), "Zen 3": (25, 1, 1), "Zen 4": (25, 17, 1), "Zen 5": (26, 2, 1),
}  # fmt: skip


def published() -> list[dict[str, str]]:
    with (DATA / "spec_generations.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", published(), ids=lambda row: row["microarch"])
def test_most_servers_of_each_generation_lie_inside(row: dict[str, str]) -> None:
    """The 10th to 90th percentile of published results, idle and at full load."""
    name = row["microarch"]
    if name in MAPPED:
        family, model_number, stepping = MAPPED[name]
        vendor = "GenuineIntel" if family == 6 else "AuthenticAMD"
        cpu = CpuInfo("", vendor, family, model_number, stepping, hypervisor=True)
    else:
        cpu = CpuInfo(name, "", None, None, None, hypervisor=True, core=name)
    model = vcpu_model(1, cpu)

    assert name in model.info.detail
    for load, utilisation in (("idle", 0.0), ("full", 1.0)):
        watts = model.power_w(utilisation)
        assert watts == pytest.approx(float(row[f"{load}_w_median"]))
        assert watts * model.info.low_factor <= float(row[f"{load}_w_p10"])
        assert watts * model.info.high_factor >= float(row[f"{load}_w_p90"])


ROWS = (
    "provider,ccf_family,microarch,min_w_per_vcpu,max_w_per_vcpu,gb_per_chip,quality,year,source\n"
)
MILAN = CpuInfo("AMD EPYC", "AuthenticAMD", 25, 1, 1, hypervisor=True)


def test_an_outlier_is_not_used(tmp_path: Path) -> None:
    """It is an error in the table."""
    (tmp_path / "microarch_watts.csv").write_text(ROWS + "aws,x,Zen 3,100,200,1,outlier,2026,x\n")

    model = vcpu_model(1, MILAN, tmp_path)

    assert model.idle_w == 0.65
    assert model.info.low_factor == 0.4


@pytest.mark.parametrize(
    ("ram_gb", "watts"), [(16.0, None), (24.0, None), (32.0, 2.4), (128.0, 31.2)]
)
def test_a_virtual_machine_is_charged_for_more_memory_than_usual(
    ram_gb: float, watts: float | None
) -> None:
    """1.5 GB a CPU are in the CPUs' figure; how much more there is is as uncertain as that."""
    model = more_ram_model(ram_gb, 16)

    if watts is None:
        assert model is None
        return
    assert model is not None
    assert model.idle_w == model.full_w == pytest.approx(watts)
    most_w = 2.0 * 0.3 * (ram_gb - 16)
    assert model.idle_w * model.info.high_factor == pytest.approx(most_w)
    assert model.idle_w * model.info.low_factor == pytest.approx(0.5 * 0.3 * (ram_gb - 32))


def test_a_copy_of_another_processors_row_is_the_last_choice(tmp_path: Path) -> None:
    """With the wide interval; a row of its own is taken alone."""
    table = tmp_path / "microarch_watts.csv"
    table.write_text(ROWS + "gcp,x,Zen 3,1,2,1,proxy,2026,x\n")
    copied = vcpu_model(1, MILAN, tmp_path)
    table.write_text(table.read_text() + "aws,x,Zen 3,3,4,1,ok,2026,x\n")
    own = vcpu_model(1, MILAN, tmp_path)

    assert (copied.idle_w, copied.full_w) == (1.0, 2.0)
    assert (copied.info.low_factor, copied.info.high_factor) == (0.4, 2.0)
    assert "similar processor" in copied.info.detail
    assert (own.idle_w, own.full_w) == (3.0, 4.0)
    assert own.info.low_factor == 0.5


@pytest.mark.parametrize("core", ["Neoverse V1", "Neoverse V2"])
def test_gravitons_have_the_watts_of_a_similar_processor(core: str) -> None:
    """Which is all that the table has for them, hence the wide interval."""
    cpu = CpuInfo(core, "", None, None, None, hypervisor=False, core=core)

    model = vcpu_model(2, cpu)

    assert model.idle_w == pytest.approx(2 * 0.474)
    assert model.power_w(1.0) == pytest.approx(2 * 1.693)
    assert (model.info.low_factor, model.info.high_factor) == (0.4, 2.0)
    assert core in model.info.detail


def test_a_core_that_the_table_lacks_has_the_watts_of_any() -> None:
    """Neoverse N2 is in no row."""
    cpu = CpuInfo("Neoverse N2", "", None, None, None, hypervisor=False, core="Neoverse N2")

    assert vcpu_model(1, cpu).idle_w == 0.65


@pytest.mark.parametrize(
    ("stolen", "low"), [(0.0, 0.45), (0.004, 0.4482), (0.2, 0.36), (1.0, 0.045)]
)
def test_stolen_time_lowers_the_low_end(stolen: float, low: float) -> None:
    """A host that steals has lent more than it has; the value and the high end stay."""
    calm, robbed = vcpu_model(1, MILAN), vcpu_model(1, replace(MILAN, steal_share=stolen))

    assert robbed.info.low_factor == pytest.approx(low)
    assert robbed.info.high_factor == calm.info.high_factor
    assert robbed.power_w(0.5) == calm.power_w(0.5)
    assert ("other machines" in robbed.info.detail) == (stolen >= 0.01)


def test_memory_is_constant_and_an_unknown_cpu_says_so() -> None:
    """0.30 W per GB; 4 W per logical CPU with the widest interval."""
    assert ram_model(32.0).power_w(0.0) == ram_model(32.0).power_w(1.0) == pytest.approx(9.6)
    assert "in no table" in core_model(8, "A New CPU").info.detail
    assert core_model(8, "").info.high_factor == 2.5


# -- which model discovery takes --------------------------------------------------------------


def found(root: Path, cpuinfo: str, **wishes: object) -> Discovery:
    (root / "cpuinfo").write_text(cpuinfo)
    (root / "meminfo").write_text("MemTotal:       16000000 kB\n")
    return discover(Places(root, root, **wishes))  # type: ignore[arg-type]


EPYC = "vendor_id : AuthenticAMD\ncpu family : 25\nmodel : 1\nmodel name : AMD EPYC 7763 64-Core Processor\n"
VIRTUAL_EPYC = EPYC + "flags : hypervisor\n"


def test_two_sockets_have_twice_the_design_power(tmp_path: Path) -> None:
    """The table knows one processor; the machine has two."""
    for cpu in (0, 1):
        folder = tmp_path / f"devices/system/cpu/cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text(f"{cpu}\n")

    cpu_model, ram = found(tmp_path, EPYC).sources

    assert cpu_model.power_w(1.0) == pytest.approx(2 * 280 * 0.75)  # type: ignore[union-attr]
    assert cpu_model.info.detail.startswith("2 ×")
    assert ram.info.component == "dram"


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_a_container_is_charged_for_the_memory_that_it_may_use(tmp_path: Path) -> None:
    """8 GiB of a large host's, whole, however few of its CPUs it may use."""
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    (tmp_path / "fs/cgroup/memory.max").write_text(f"{8 << 30}\n")
    (tmp_path / "cpuinfo").write_text(EPYC)
    (tmp_path / "meminfo").write_text("MemTotal:       528000000 kB\n")
    ram = discover(Places(tmp_path, tmp_path)).sources[1]
    tree = FakeTreeClock(1.0)
    machine = FakeMachineClock(tree, others=3.0)
    clock = FakeClock(tree.advance, machine.advance)
    meter = Meter([ram], tree, machine, clock, reserved=1 / 32)
    session = Session(Equipment(meter, HOST, (), CARBON, "kernel", 1.0), clock)
    clock.advance(10.0)
    session.sample()

    energy_j = session.view(live=True).totals.energy_j

    assert ram.info.detail.startswith("8.6 of 541 GB memory")
    assert (energy_j.low, energy_j.value, energy_j.high) == pytest.approx(
        (12.9, 25.8, 51.5), rel=0.01
    )


def test_a_virtual_machine_is_charged_for_its_cpus(tmp_path: Path) -> None:
    """Never for the socket; what memory such servers have is inside."""
    (model,) = found(tmp_path, VIRTUAL_EPYC, vcpus=16).sources

    assert model.info.id == "model:vcpu"
    assert model.info.flags == ("virtual",)


def test_a_virtual_machine_with_a_named_cpu_gets_its_share(tmp_path: Path) -> None:
    """The design power of so many of the processor's 128 threads."""
    discovery = found(tmp_path, VIRTUAL_EPYC, cpu_model="AMD EPYC 7763")
    model, ram = discovery.sources
    share = discovery.host.logical_cpus / 128

    assert model.info.id == "model:tdp"
    assert model.power_w(1.0) == pytest.approx(280 * share * 0.75)  # type: ignore[union-attr]
    assert model.info.flags == ("virtual",)
    assert model.info.low_factor == 0.4
    # None of its memory is in the processor's design power.
    assert ram.power_w(0.0) == pytest.approx(0.3 * 16.384)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("wishes", "model_id", "detail"),
    [
        ({"cpu_tdp_w": 65.0}, "model:tdp", "65 W"),
        ({"vcpus": 3}, "model:vcpu", "3 virtual CPUs"),
        ({"cpu_model": "Intel Core i7-8565U"}, "model:tdp", "i7-8565U, 15 W"),
        ({"cpu_model": "No Such CPU"}, "model:core", "No Such CPU, in no table"),
        ({"cpu_tdp_w": 65.0, "vcpus": 3}, "model:tdp", "65 W"),
    ],
)
def test_what_the_user_says_is_taken(
    tmp_path: Path, wishes: dict[str, object], model_id: str, detail: str
) -> None:
    """Settings come before what was found."""
    model = found(tmp_path, EPYC, **wishes).sources[0]

    assert model.info.id == model_id
    assert detail in model.info.detail
