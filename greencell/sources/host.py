"""What machine this is: names, sizes, and whether it is virtual. Files only, no programs run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.machine_time import steal_share
from greencell.model import HostInfo

_VIRTUAL_PRODUCTS = (
    "kvm", "qemu", "virtual", "vmware", "virtualbox", "xen", "hvm", "bochs", "openstack",
    "google compute engine", "amazon ec2", "droplet", "firecracker",
    # Hosters that put their own name into their guests' firmware, and none into bare metal's.
    "hetzner", "scaleway", "digitalocean", "upcloud", "linode", "akamai", "tencent cloud",
    "alibaba cloud", "exoscale",
)  # fmt: skip
_BARE_METAL_PRODUCT = ".metal"
"""Amazon's bare-metal instances, e.g. ``m5.metal`` and ``c7i.metal-24xl``, by the same vendor."""
_DEVICE_TREE_HYPERVISOR = "firmware/devicetree/base/hypervisor"
"""The node by which a hypervisor without such firmware tells its guests (Linux
``Documentation/devicetree/bindings/arm/xen.txt``)."""
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""Files that Docker and Podman put into their containers."""
POWERCAP_TREES: Final = ("class/powercap", "devices/virtual/powercap")
"""Where RAPL's tree may lie under the root of sysfs."""
NO_DRIVER_REMEDY: Final = "sudo modprobe -a intel_rapl_common intel_rapl_msr"
"""Brings that tree, for Intel's and AMD's processors alike, whatever the drivers are called."""
_ARM_CORES = {
    (0x41, 0xD0C): "Neoverse N1",
    (0x41, 0xD40): "Neoverse V1",
    (0x41, 0xD49): "Neoverse N2",
    (0x41, 0xD4F): "Neoverse V2",
    (0x41, 0xD84): "Neoverse V3",
    (0x41, 0xD8E): "Neoverse N3",
}
"""Servers' cores by implementer and part (Linux ``arch/arm64/include/asm/cputype.h``). ARM's
``cpuinfo`` has no name. Graviton2 and Altra are N1, Graviton3 V1, Graviton4, Axion and Grace V2."""
_BYTES_PER_KIB = 1_024
_BYTES_PER_GB = 1e9


@dataclass(frozen=True, slots=True)
class CpuInfo:
    """The processor as ``/proc/cpuinfo`` shows it; numbers are ``None`` where it does not.

    Attributes:
        core: an ARM server's core, e.g. ``Neoverse N1``; empty if it is another or not known.
        steal_share: share of the CPU time asked for since boot that a hypervisor gave to other
            machines, 0 to 1.
    """

    name: str
    vendor: str
    family: int | None
    model: int | None
    stepping: int | None
    hypervisor: bool
    core: str = ""
    steal_share: float = 0.0


def read_cpu(procfs_root: Path) -> CpuInfo:
    """The first processor of ``<procfs>/cpuinfo``, or what the platform says."""
    fields: dict[str, str] = {}
    try:
        with (procfs_root / "cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, separator, value = line.partition(":")
                if not separator:
                    break  # a blank line ends the first processor
                fields.setdefault(key.strip(), value.strip())
    except OSError:
        pass  # not Linux, or hidden: the platform module knows the name at least
    arm = (_hex(fields.get("CPU implementer")), _hex(fields.get("CPU part")))
    core = _ARM_CORES.get(arm, "")
    return CpuInfo(
        name=fields.get("model name") or core or _name_elsewhere(),
        vendor=fields.get("vendor_id", ""),
        family=_int(fields.get("cpu family")),
        model=_int(fields.get("model")),
        stepping=_int(fields.get("stepping")),
        hypervisor="hypervisor" in fields.get("flags", "").split(),
        core=core,
        steal_share=steal_share(procfs_root),
    )


def read_host(cpu: CpuInfo, sysfs_root: Path, procfs_root: Path, gpus: tuple[str, ...]) -> HostInfo:
    """The machine. A container is not virtual in this sense: it shows the host's own hardware."""
    return HostInfo(
        os=_system(),
        cpu=cpu.name,
        logical_cpus=os.cpu_count() or 1,
        ram_gb=_ram_gb(procfs_root),
        gpus=gpus,
        virtual=cpu.hypervisor or _virtual_product(sysfs_root),
    )


def _name_elsewhere() -> str:
    import platform

    return platform.processor() or platform.machine()


def _system() -> str:
    """The operating system and its release, in the words of the module ``platform``."""
    if hasattr(os, "uname"):
        uname = os.uname()
        return f"{uname.sysname} {uname.release}"
    import platform

    return f"{platform.system()} {platform.release()}"


def read_sockets(sysfs_root: Path) -> int:
    """How many processor packages there are, at least 1."""
    packages = set()
    for path in (sysfs_root / "devices/system/cpu").glob("cpu*/topology/physical_package_id"):
        try:
            packages.add(path.read_text(encoding="ascii", errors="replace").strip())
        except OSError:
            continue  # this CPU went offline while we looked
    return max(1, len(packages))


def is_container(sysfs_root: Path, procfs_root: Path, marks: tuple[Path, ...]) -> bool:
    """Whether this is a container: by its engine's mark, or by what covers the powercap tree.

    Engines without marks (containerd, CRI-O) mount an empty folder over the tree
    (GHSA-jq35-85cj-fj4p), which the mount table shows.
    """
    if any(mark.exists() for mark in marks):
        return True
    cover = f" {sysfs_root / 'devices/virtual/powercap'} "
    try:
        return cover in (procfs_root / "self/mountinfo").read_text(errors="replace")
    except OSError:
        return False


def _ram_gb(procfs_root: Path) -> float:
    try:
        with (procfs_root / "meminfo").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemTotal:"):
                    return int(line.split()[1]) * _BYTES_PER_KIB / _BYTES_PER_GB
    except (OSError, ValueError, IndexError):
        pass  # fall through to the library that knows other systems
    import psutil

    return float(psutil.virtual_memory().total) / _BYTES_PER_GB


def _virtual_product(sysfs_root: Path) -> bool:
    """By the firmware's names, as ARM's CPUs have no flag for it, or by its device tree."""
    if (sysfs_root / _DEVICE_TREE_HYPERVISOR).exists():
        return True
    for name in ("product_name", "sys_vendor"):
        try:
            text = (sysfs_root / "class/dmi/id" / name).read_text(errors="replace").lower()
        except OSError:
            continue
        if _BARE_METAL_PRODUCT in text:
            return False
        if any(product in text for product in _VIRTUAL_PRODUCTS):
            return True
    return False


def _int(text: str | None) -> int | None:
    # isdigit alone is also true of digits that int refuses, e.g. superscripts.
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _hex(text: str | None) -> int:
    """A number as ARM's ``cpuinfo`` writes it, ``0xd0c``; -1 if it is none."""
    try:
        return int(text or "", 16)
    except ValueError:
        return -1
