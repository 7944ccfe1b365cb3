"""The powercap tree: what is counted, once, and what is said where it cannot be read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.sources.rapl import find_counters
from greencell.testing import PowercapTree


def ids(root: Path) -> list[str]:
    return [counter.info.id for counter in find_counters(root, amd=False)]


def test_a_laptop_counts_its_package_once(tmp_path: Path) -> None:
    """Core, uncore, psys and the memory-mapped twin hold the package's joules a second time."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", start_uj=5_000_000)
    tree.add("core", parent="package-0")
    tree.add("uncore", parent="package-0")
    tree.add("psys")
    tree.add("package-0", control="intel-rapl-mmio", key="twin")
    tree.close()

    assert ids(tmp_path) == ["rapl:package-0"]


def test_two_sockets_count_packages_and_memory(tmp_path: Path) -> None:
    """Memory lies beside its package, not inside: both are counted, per socket."""
    tree = PowercapTree(tmp_path)
    for socket in (0, 1):
        tree.add(f"package-{socket}", start_uj=socket * 7_000_000_000)
        tree.add("dram", parent=f"package-{socket}", key=f"dram-{socket}")
    tree.close()

    assert sorted(ids(tmp_path)) == [
        "rapl:dram-0", "rapl:dram-1", "rapl:package-0", "rapl:package-1",
    ]  # fmt: skip


def test_dies_that_mirror_one_socket_are_one(tmp_path: Path) -> None:
    """Threadripper: both dies show the socket's counter; adding them would double it."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0-die-0", start_uj=68_000_000)
    tree.add("package-0-die-1", start_uj=68_000_010)
    tree.close()

    assert ids(tmp_path) == ["rapl:package-0-die-0"]


def test_dies_that_count_for_themselves_are_both_kept(tmp_path: Path) -> None:
    """Cascade Lake-AP: the test is on values, not on names."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0-die-0", start_uj=68_000_000)
    tree.add("package-0-die-1", start_uj=99_000_000)
    tree.close()

    assert len(ids(tmp_path)) == 2


def test_no_tree_an_empty_tree_and_a_closed_tree_say_why(tmp_path: Path) -> None:
    """Each has its own reason, flag and remedy."""
    with pytest.raises(SourceUnavailable) as nothing:
        find_counters(tmp_path, amd=False)
    (tmp_path / "class/powercap").mkdir(parents=True)
    with pytest.raises(SourceUnavailable) as masked:
        find_counters(tmp_path, amd=False)
    PowercapTree(tmp_path).add("package-0")

    def refuse(path: str) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with pytest.raises(SourceUnavailable) as closed:
        find_counters(tmp_path, amd=False, opener=refuse)

    assert [error.value.flag for error in (nothing, masked, closed)] == [
        "unsupported", "masked", "no-permission",
    ]  # fmt: skip
    assert "udev" in closed.value.remedy


@pytest.mark.parametrize("text", ["", "oops\n", "-5\n", "1e9\n", "9" * 40, "0x10\n", "12 34\n"])
def test_garbage_is_no_number(tmp_path: Path, text: str) -> None:
    """Whatever the file holds, a number comes out only if it is one."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0")
    (counter,) = find_counters(tmp_path, amd=False)
    counter.read()
    tree.garbage("package-0", text)

    with pytest.raises(ReadFailed):
        counter.read()

    tree.advance(1.0)
    assert counter.read() > 0
    tree.close()


def test_a_file_that_is_replaced_is_opened_again(tmp_path: Path) -> None:
    """A writer that renames leaves a dead file behind the open descriptor."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", start_uj=1_000)
    (counter,) = find_counters(tmp_path, amd=False)
    assert counter.read() == 1_000
    path = tmp_path / "class/powercap/intel-rapl:0/energy_uj"
    (path.parent / "new").write_text("2000\n")
    os.replace(path.parent / "new", path)

    assert counter.read() == 2_000
    tree.close()


def test_the_range_has_a_fallback_where_its_file_is_closed(tmp_path: Path) -> None:
    """The smallest known range above the value seen."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", start_uj=65_600_000_000)
    tree.close()
    (tmp_path / "class/powercap/intel-rapl:0/max_energy_range_uj").unlink()

    (counter,) = find_counters(tmp_path, amd=True)

    assert counter.range_units == 65_712_999_613
    assert counter.info.relative_error == 0.05
