"""hwmon: chips by their name, each with the parts that it holds, and what is said of the rest."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.model import Skipped
from greencell.sources.file_source import FileCounter, FileGauge
from greencell.sources.hwmon import find_hwmon
from greencell.sources.plausible import most_w, read_possible_w
from greencell.testing import HwmonTree

CARD, APU = "0000:03:00.0", "0000:c4:00.0"


def found(root: Path) -> list[FileGauge | FileCounter]:
    sources, _ = find_hwmon(root)
    return sources


def parts(root: Path) -> dict[str, tuple[str, ...]]:
    return {source.info.id: source.info.parts for source in found(root)}


def reasons(skipped: list[Skipped]) -> dict[str, str]:
    return {one.id: one.reason for one in skipped}


def read_w(source: FileGauge | FileCounter) -> float:
    assert isinstance(source, FileGauge)
    return read_possible_w(source, most_w(source))


def test_no_chip_is_no_source(tmp_path: Path) -> None:
    """Without hwmon, and with chips that measure temperature only, the kind is not there."""
    with pytest.raises(SourceUnavailable):
        find_hwmon(tmp_path)
    tree = HwmonTree(tmp_path)
    tree.add_chip("coretemp", texts={"temp1_input": "40000"})
    (tmp_path / "class/hwmon/hwmon7").mkdir()
    with pytest.raises(SourceUnavailable, match="power meter"):
        find_hwmon(tmp_path)


# -- GPUs ----------------------------------------------------------------------------------------


def test_a_card_holds_itself_only(tmp_path: Path) -> None:
    """A card's power is added to the CPU's."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("nvme")
    tree.add_chip("amdgpu", pci=CARD, texts={"freq2_input": "96000000"})
    tree.add_power("amdgpu", "power1_average", 61.5)

    (source,) = found(tmp_path)

    assert source.info.id == f"hwmon:amdgpu-{CARD}"
    assert (source.info.component, source.info.parts) == ("gpu", (f"gpu:{CARD}",))
    assert read_w(source) == pytest.approx(61.5)


@pytest.mark.parametrize(
    ("texts", "device_texts", "apu"),
    [
        ({"in1_input": "900"}, {}, True),
        ({"freq2_input": "1"}, {}, False),
        ({"fan1_input": "0"}, {}, False),
        ({}, {"mem_info_vram_vendor": "samsung"}, False),
        ({}, {"mem_info_vram_vendor": "unknown"}, True),
        ({}, {}, True),
        ({"freq2_input": "1"}, {"device": "0x74a0", "mem_info_vram_vendor": "hynix"}, True),
        ({"freq2_input": "1"}, {"device": "0x74a1", "mem_info_vram_vendor": "hynix"}, False),
    ],
    ids=["vddnb", "mclk", "fan", "vram maker", "no maker", "nothing", "MI300A", "MI300X"],
)
def test_an_apus_power_holds_the_cpu(
    tmp_path: Path, texts: dict[str, str], device_texts: dict[str, str], apu: bool
) -> None:
    """What might be an APU must not be added to the CPU's own meter."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("amdgpu", pci=APU, texts=texts, device_texts=device_texts)
    tree.add_power("amdgpu", "power1_input", 15.0)

    (source,) = found(tmp_path)

    assert ("cpu:*" in source.info.parts) == apu
    assert ("CPU" in source.info.detail) == apu
    assert f"gpu:{APU}" in source.info.parts


def test_the_average_is_preferred(tmp_path: Path) -> None:
    """Moments between samples are in an average, and in no instantaneous power."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("amdgpu", pci=CARD)
    tree.add_power("amdgpu", "power1_input", 99.0)
    tree.add_power("amdgpu", "power1_average", 50.0)

    (source,) = found(tmp_path)

    assert read_w(source) == pytest.approx(50.0)


def test_a_gpu_without_power_is_named(tmp_path: Path) -> None:
    """A total without this GPU must not look whole."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("amdgpu", pci=CARD)
    tree.add_chip("i915", pci="0000:07:00.0")

    sources, skipped = find_hwmon(tmp_path)

    assert sources == []
    assert reasons(skipped) == {
        f"hwmon:amdgpu-{CARD}": "this GPU's driver shows no power",
        "hwmon:i915-0000:07:00.0": "this GPU's driver shows no energy",
    }


def test_a_gpu_that_sleeps_is_kept(tmp_path: Path) -> None:
    """amdgpu answers EPERM for a card that sleeps: no reading now, but later."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("amdgpu", pci=CARD)
    tree.add_power("amdgpu", "power1_average", 20.0)
    asleep = [True]

    def opener(path: str) -> int:
        if asleep and path.endswith("power1_average"):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
        return tree.open_readonly(path)

    (source,), skipped = find_hwmon(tmp_path, opener=opener)
    with pytest.raises(ReadFailed):
        read_w(source)
    asleep.clear()

    assert skipped == []
    assert read_w(source) == pytest.approx(20.0)


def test_a_gpu_is_not_woken_for_a_reading(tmp_path: Path) -> None:
    """Before 6.15 amdgpu woke it, and Intel's drivers do: its file is not touched while it sleeps."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("xe", pci=CARD)
    tree.add_energy("xe", "energy1_input", 20.0)
    status = tmp_path / "devices/pci0000:00" / CARD / "power/runtime_status"
    status.parent.mkdir()
    status.write_text("suspended\n")
    opened: list[str] = []

    def opener(path: str) -> int:
        opened.append(path)
        return tree.open_readonly(path)

    (counter,), skipped = find_hwmon(tmp_path, opener=opener)
    assert isinstance(counter, FileCounter)
    with pytest.raises(ReadFailed, match="sleeps"):
        counter.read()
    assert not any(path.endswith("energy1_input") for path in opened)
    status.write_text("active\n")

    assert counter.read() == 123_456_789
    assert skipped == []


def test_a_closed_source_stays_closed(tmp_path: Path) -> None:
    """A late read must not open a file that nobody closes again."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("amdgpu", pci=CARD)
    tree.add_power("amdgpu", "power1_average", 20.0)
    tree.add_chip("xe", pci="0000:04:00.0")
    tree.add_energy("xe", "energy1_input", 20.0)
    before = len(os.listdir("/proc/self/fd"))
    gauge, counter = found(tmp_path)
    assert isinstance(counter, FileCounter)
    for source in (gauge, counter):
        source.close()

    for read in (gauge.read_w if isinstance(gauge, FileGauge) else gauge.read, counter.read):
        with pytest.raises(ReadFailed, match="closed"):
            read()
    assert len(os.listdir("/proc/self/fd")) == before


def test_of_xe_one_counter_is_read(tmp_path: Path) -> None:
    """The card holds the package: the sum of both would count the package twice."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("xe", key="both", pci=CARD)
    tree.add_energy("both", "energy1_input", 100.0)
    tree.add_energy("both", "energy2_input", 80.0)
    tree.add_chip("xe", key="old", pci="0000:04:00.0")
    tree.add_energy("old", "energy1_input", 100.0)

    assert [source.info.detail for source in found(tmp_path)] == [
        "xe energy2_input", "xe energy1_input",
    ]  # fmt: skip
    assert parts(tmp_path)[f"hwmon:xe-{CARD}"] == (f"gpu:{CARD}",)


def test_i915_counts_cards_apart_and_its_own_gpu_inside_the_package(tmp_path: Path) -> None:
    """A GPU at 00:02.0 is in RAPL's package; tiles are in their chip."""
    tree = HwmonTree(tmp_path)
    for key, pci in (("card", CARD), ("own", "0000:00:02.0")):
        tree.add_chip("i915", key=key, pci=pci)
        tree.add_energy(key, "energy1_input", 30.0)
    tree.add_chip("i915_gt0", pci=CARD)
    tree.add_energy("i915_gt0", "energy1_input", 20.0)

    assert parts(tmp_path) == {
        f"hwmon:i915-{CARD}": (f"gpu:{CARD}",),
        "hwmon:i915-0000:00:02.0": ("gpu:0000:00:02.0", "cpu:*"),
    }


def test_an_intel_counter_counts_and_has_the_range_of_its_register(tmp_path: Path) -> None:
    """After a silence in which the register may have gone round, the step is ambiguous."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("xe", pci=CARD)
    tree.add_energy("xe", "energy1_input", 100.0)
    (counter,) = found(tmp_path)
    assert isinstance(counter, FileCounter)
    before = counter.read()
    tree.advance(3.0)

    assert (counter.read() - before) * counter.joules_per_unit == pytest.approx(300.0)
    assert counter.range_units == 2**32 * 1_000_000 // 2**14


# -- ACPI power meters ---------------------------------------------------------------------------


def test_an_acpi_meter_shows_the_machine(tmp_path: Path) -> None:
    """It is shown beside the sum, late by half of what it averages over."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("power_meter", texts={"power1_average_interval": "4000"})
    tree.add_power("power_meter", "power1_average", 312.0)

    (source,) = found(tmp_path)

    assert (source.info.component, source.info.scope) == ("node", "node")
    assert source.info.parts == ("node:*",)
    assert (source.info.period_s, source.info.lag_s) == (4.0, 2.0)
    assert read_w(source) == pytest.approx(312.0)


@pytest.mark.parametrize("interval", ["", "0", "-5", "soon", "999999999"])
def test_an_interval_that_is_none_is_a_second(tmp_path: Path, interval: str) -> None:
    """A period of 0 or of days would make nonsense of the interval of every cell."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("power_meter", texts={"power1_average_interval": interval})
    tree.add_power("power_meter", "power1_average", 312.0)

    (source,) = found(tmp_path)

    assert (source.info.period_s, source.info.lag_s) == (1.0, 0.5)


def test_old_chips_keep_their_files_in_the_device(tmp_path: Path) -> None:
    """``hwmonN/device/name`` and its neighbours count as the chip's."""
    hwmon, device = tmp_path / "class/hwmon/hwmon2", tmp_path / "devices/ACPI000D:00"
    hwmon.mkdir(parents=True)
    device.mkdir(parents=True)
    (hwmon / "device").symlink_to(device)
    (device / "name").write_text("power_meter\n")
    (device / "power1_average").write_text("250000000\n")

    (source,) = found(tmp_path)

    assert source.info.id == "acpi:ACPI000D:00"
    assert read_w(source) == 250.0


def test_a_batterys_meter_is_no_machine(tmp_path: Path) -> None:
    """The ACPI meter of a backup battery shows that battery."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("power_meter", texts={"power1_is_battery": "1"})
    tree.add_power("power_meter", "power1_average", 12.0)

    sources, skipped = find_hwmon(tmp_path)

    assert sources == []
    assert list(reasons(skipped).values()) == ["this meter is that of a battery"]


def test_unknown_power_is_no_power(tmp_path: Path) -> None:
    """Firmware shows 2^32 - 1 mW where it knows nothing."""
    tree = HwmonTree(tmp_path)
    tree.add_chip("power_meter")
    tree.add_power("power_meter", "power1_average", 300.0)
    (source,) = found(tmp_path)
    tree.garbage("power_meter/power1_average", "4294967295000\n")

    with pytest.raises(ReadFailed, match="cannot be"):
        read_w(source)


def grace_tree(root: Path, sensors: list[tuple[str, int, float]]) -> HwmonTree:
    tree = HwmonTree(root)
    for kind, socket, power_w in sensors:
        info = {
            "power1_oem_info": f"{kind} Power Socket {socket}",
            "power1_average_interval": "50",
        }
        tree.add_chip("power_meter", key=f"{kind}-{socket}", texts=info)
        tree.add_power(f"{kind}-{socket}", "power1_average", power_w)
    return tree


def test_grace_hopper_counts_its_sockets_and_shows_its_modules(tmp_path: Path) -> None:
    """The Grace socket holds CPU, SysIO and memory; all modules together are the machine."""
    grace_tree(
        tmp_path,
        [
            (kind, socket, power_w)
            for socket in (0, 1)
            for kind, power_w in (("Module", 500.0), ("Grace", 90.0), ("CPU", 50.0), ("SysIO", 9.0))
        ],
    )

    sources, skipped = find_hwmon(tmp_path)

    assert {source.info.id: read_w(source) for source in sources} == {
        "acpi:modules": 1000.0, "acpi:grace-0": 90.0, "acpi:grace-1": 90.0,
    }  # fmt: skip
    assert [source.info.scope for source in sources] == ["node", "component", "component"]
    assert sources[1].info.parts == ("cpu:0", "dram:0")
    assert sources[1].info.period_s == 0.05
    assert set(reasons(skipped)) == {"acpi:cpu-0", "acpi:cpu-1", "acpi:sysio-0", "acpi:sysio-1"}


def test_without_the_socket_the_cpu_rail_stands_in(tmp_path: Path) -> None:
    """The rail is less than the socket, and says so: it holds no memory."""
    grace_tree(tmp_path, [("CPU", 0, 50.0), ("SysIO", 0, 9.0)])

    (source,) = found(tmp_path)

    assert source.info.parts == ("cpu:0",)
    assert "rail" in source.info.detail


# -- amd_energy ----------------------------------------------------------------------------------


def amd_energy_tree(root: Path) -> HwmonTree:
    tree = HwmonTree(root)
    labels = {"energy1_label": "Ecore000", "energy2_label": "Esocket0", "energy3_label": "Esocket1"}
    tree.add_chip("amd_energy", texts=labels)
    for file, power_w in (("energy1", 5.0), ("energy2", 90.0), ("energy3", 80.0)):
        tree.add_energy("amd_energy", f"{file}_input", power_w)
    return tree


def test_amd_energy_counts_sockets_not_cores(tmp_path: Path) -> None:
    """A socket holds its cores."""
    amd_energy_tree(tmp_path)

    assert parts(tmp_path) == {
        "amd_energy:socket-0": ("cpu:0",), "amd_energy:socket-1": ("cpu:1",),
    }  # fmt: skip


def test_closed_counters_say_what_opening_them_opens(tmp_path: Path) -> None:
    """The files are 0440: without a right to read there is a remedy, and its price."""
    tree = amd_energy_tree(tmp_path)
    tree.lock("amd_energy/energy3_input")

    sources, (skipped,) = find_hwmon(tmp_path, opener=tree.open_readonly)

    assert [source.info.id for source in sources] == ["amd_energy:socket-0"]
    assert (skipped.id, skipped.flag) == ("amd_energy:socket-1", "no-permission")
    assert skipped.remedy.startswith("sudo chmod a+r ")
    assert "CVE-2020-12912" in skipped.caution
    assert skipped.benefit == "cpu measured instead of estimated"


# -- whatever the files hold ---------------------------------------------------------------------

CONTENT = st.one_of(
    st.binary(max_size=40),
    st.integers(-(2**70), 2**70).map(lambda number: f"{number}\n".encode()),
)


@settings(deadline=None)
@given(contents=st.lists(CONTENT, min_size=8, max_size=8), later=CONTENT)
def test_no_content_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], later: bytes
) -> None:
    """Whatever files hold: a plausible reading, or one of the two errors that callers know."""
    root = tmp_path_factory.mktemp("sys")
    tree = HwmonTree(root)
    files = {
        "amdgpu": ["power1_average", "freq2_input"],
        "xe": ["energy1_input"],
        "power_meter": ["power1_average", "power1_average_interval", "power1_oem_info"],
        "amd_energy": ["energy2_label", "energy2_input"],
    }
    paths = [tree.add_chip(name) / file for name, chip in files.items() for file in chip[:1]]
    paths += [
        paths[index].parent / file for index, chip in enumerate(files.values()) for file in chip[1:]
    ]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    try:
        sources, _ = find_hwmon(root)
    except SourceUnavailable:
        sources = []
    for source in sources:
        for path in paths:
            path.write_bytes(later)
        try:
            value = source.read_w() if isinstance(source, FileGauge) else source.read()
        except ReadFailed:
            continue
        finally:
            source.close()
        assert 0 <= value <= 2**63
