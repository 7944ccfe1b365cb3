"""The machine: virtual or not, a container or not, and files that hold anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greencell.sources.host import is_container, read_cpu, read_host, read_sockets

INTEL = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8480+
stepping\t: 8
flags\t\t: fpu vme {flag}

processor\t: 1
model name\t: another
"""


def procfs(root: Path, cpuinfo: str) -> Path:
    root.mkdir(exist_ok=True)
    (root / "cpuinfo").write_text(cpuinfo)
    (root / "meminfo").write_text("MemTotal:       16000000 kB\n")
    return root


def test_the_first_processor_is_read(tmp_path: Path) -> None:
    """Numbers and name come from the first block."""
    cpu = read_cpu(procfs(tmp_path, INTEL.format(flag="")))

    assert (cpu.vendor, cpu.family, cpu.model, cpu.stepping) == ("GenuineIntel", 6, 143, 8)
    assert cpu.name == "Intel(R) Xeon(R) Platinum 8480+"
    assert cpu.hypervisor is False


ARM = """processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes
CPU implementer\t: {implementer}
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: {part}
CPU revision\t: 1

processor\t: 1
"""


@pytest.mark.parametrize(
    ("implementer", "part", "core"),
    [
        ("0x41", "0xd0c", "Neoverse N1"),
        ("0x41", "0xd40", "Neoverse V1"),
        ("0x41", "0xd4f", "Neoverse V2"),
        ("0x41", "0xd49", "Neoverse N2"),
        ("0x41", "0xd08", ""),
        ("0x43", "0xd0c", ""),
        ("", "", ""),
        ("0x41", "²", ""),
    ],
)
def test_an_arm_processor_is_known_by_its_numbers(
    tmp_path: Path, implementer: str, part: str, core: str
) -> None:
    """It has no name in the file; one of a phone or a board is none of the servers'."""
    cpu = read_cpu(procfs(tmp_path, ARM.format(implementer=implementer, part=part)))

    assert cpu.core == core
    assert core in ("", cpu.name)
    assert (cpu.vendor, cpu.family) == ("", None)


def test_an_x86_processor_has_no_arm_core(tmp_path: Path) -> None:
    """The files differ."""
    assert read_cpu(procfs(tmp_path, INTEL.format(flag=""))).core == ""


def test_stolen_time_is_of_the_time_that_was_asked_for(tmp_path: Path) -> None:
    """Three quarters were given; no file, no theft."""
    assert read_cpu(procfs(tmp_path, INTEL.format(flag=""))).steal_share == 0.0
    (tmp_path / "stat").write_text("cpu 200 0 100 9999 0 0 0 100 0 0\n")

    assert read_cpu(tmp_path).steal_share == 0.25


def test_a_hypervisor_in_the_device_tree_is_one(tmp_path: Path) -> None:
    """For guests without firmware tables."""
    proc = procfs(tmp_path / "proc", ARM.format(implementer="0x41", part="0xd0c"))
    sysfs = tmp_path / "sys"
    assert not read_host(read_cpu(proc), sysfs, proc, ()).virtual
    (sysfs / "firmware/devicetree/base/hypervisor").mkdir(parents=True)

    assert read_host(read_cpu(proc), sysfs, proc, ()).virtual


@pytest.mark.parametrize(
    ("flag", "product", "vendor", "virtual"),
    [
        ("", "vServer", "Hetzner", True),
        ("", "SCW-COPARM1-2C-8G", "Scaleway", True),
        ("", "CVM", "Tencent Cloud", True),
        ("", None, None, False),
        ("hypervisor", None, None, True),
        ("", "Standard PC (Q35 + ICH9, 2009)", "QEMU", True),
        ("", "VMware Virtual Platform", "VMware, Inc.", True),
        ("", "Google Compute Engine", "Google", True),
        ("", "c7g.large", "Amazon EC2", True),
        ("", "m5.metal", "Amazon EC2", False),
        ("", "c7i.metal-24xl", "Amazon EC2", False),
        ("", "20XW", "LENOVO", False),
    ],
)
def test_virtual_by_flag_or_by_product(
    tmp_path: Path, flag: str, product: str | None, vendor: str | None, virtual: bool
) -> None:
    """A cloud's bare metal is not virtual, though its vendor is the same."""
    proc = procfs(tmp_path / "proc", INTEL.format(flag=flag))
    dmi = tmp_path / "sys/class/dmi/id"
    dmi.mkdir(parents=True)
    if product and vendor:
        (dmi / "product_name").write_text(f"{product}\n")
        (dmi / "sys_vendor").write_text(f"{vendor}\n")

    host = read_host(read_cpu(proc), tmp_path / "sys", proc, ())

    assert host.virtual is virtual
    assert host.ram_gb == pytest.approx(16.384)
    assert host.logical_cpus >= 1


def test_sockets_are_counted_once_each(tmp_path: Path) -> None:
    """Four CPUs in two packages; none known is one."""
    assert read_sockets(tmp_path) == 1
    for cpu, package in enumerate(["0", "1", "0", "1"]):
        folder = tmp_path / f"devices/system/cpu/cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text(f"{package}\n")

    assert read_sockets(tmp_path) == 2


def test_a_container_is_known_by_its_mark_or_by_the_cover(tmp_path: Path) -> None:
    """Neither is no container."""
    sysfs, proc = tmp_path / "sys", tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    assert not is_container(sysfs, proc, (tmp_path / ".dockerenv",))
    (proc / "self/mountinfo").write_text(
        f"1 2 0:6 / {sysfs}/devices/virtual/powercap ro - tmpfs tmpfs ro\n"
    )
    assert is_container(sysfs, proc, ())
    (proc / "self/mountinfo").write_text("1 2 0:6 / / rw - ext4 /dev/sda1 rw\n")
    assert not is_container(sysfs, proc, ())
    (tmp_path / ".dockerenv").touch()
    assert is_container(sysfs, proc, (tmp_path / ".dockerenv",))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_content_of_the_files_raises(tmp_path: Path, content: bytes) -> None:
    """The files may hold anything."""
    for name in ("cpuinfo", "meminfo", "stat"):
        (tmp_path / name).write_bytes(b"model : \xc2\xb2\n" + content)

    cpu = read_cpu(tmp_path)
    host = read_host(cpu, tmp_path, tmp_path, ())

    assert cpu.model is None or cpu.model >= 0
    assert host.ram_gb >= 0
