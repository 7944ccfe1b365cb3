"""The powercap tree: what is counted, once, and what is said where it cannot be read."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.sources.powercap import REMEDY
from greencell.sources.rapl import RaplCounter, find_counters
from greencell.sources.selection import Candidate, select
from greencell.testing import PowercapTree


def ids(root: Path) -> list[str]:
    """What is counted of it, each joule once."""
    found = counters(root)
    candidates = [Candidate(one.info, one.first_units * one.joules_per_unit) for one in found]
    return [found[index].info.id for index in select(candidates).used]


def counters(root: Path) -> list[RaplCounter]:
    found, _ = find_counters([root], amd=False)
    return found


def test_a_laptop_counts_its_package_once(tmp_path: Path) -> None:
    """Core, uncore and the memory-mapped twin hold its joules again; psys is beside the sum."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", start_uj=5_000_000)
    tree.add("core", parent="package-0")
    tree.add("uncore", parent="package-0")
    tree.add("psys")
    tree.add("package-0", control="intel-rapl-mmio", key="twin")
    tree.close()

    assert ids(tmp_path) == ["rapl:package-0", "rapl:psys"]
    assert {one.info.scope for one in counters(tmp_path) if one.info.id == "rapl:psys"} == {"node"}


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
        counters(tmp_path)
    (tmp_path / "class/powercap").mkdir(parents=True)
    with pytest.raises(SourceUnavailable) as empty:
        counters(tmp_path)
    with pytest.raises(SourceUnavailable) as masked:
        find_counters([tmp_path], amd=False, container=True)
    tree = PowercapTree(tmp_path)
    tree.add("package-0")
    tree.lock("package-0")
    none, (closed,) = find_counters([tmp_path], amd=False, opener=tree.open_readonly)

    assert [error.value.flag for error in (nothing, empty, masked)] == [
        "unsupported", "unsupported", "masked",
    ]  # fmt: skip
    assert none == []
    assert (closed.id, closed.flag) == ("rapl", "no-permission")
    assert "udev" in closed.remedy
    assert "PLATYPUS" in closed.caution


def test_the_remedy_is_one_line_that_a_shell_understands() -> None:
    """It is pasted as it stands."""
    assert "\n" not in REMEDY
    assert subprocess.run(["sh", "-n", "-c", REMEDY]).returncode == 0


def test_a_closed_zone_beside_an_open_one_is_named(tmp_path: Path) -> None:
    """A total without the second socket must not look whole."""
    tree = PowercapTree(tmp_path)
    for socket in (0, 1):
        tree.add(f"package-{socket}", start_uj=(socket + 1) * 7_000_000_000)
        tree.add("dram", parent=f"package-{socket}", key=f"dram-{socket}")
    tree.lock("package-1")
    tree.lock("dram-1")

    found, skipped = find_counters([tmp_path], amd=False, opener=tree.open_readonly)

    assert [counter.info.id for counter in found] == ["rapl:package-0", "rapl:dram-0"]
    assert [(s.id, s.flag) for s in skipped] == [
        ("rapl:package-1", "no-permission"), ("rapl:dram-1", "no-permission"),
    ]  # fmt: skip


def test_an_open_twin_stands_in_for_a_closed_one(tmp_path: Path) -> None:
    """The same package through the other door is no loss, so nothing is said."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0")
    tree.add("package-0", control="intel-rapl-mmio", start_uj=42, key="twin")
    tree.lock("package-0")

    (counter,), skipped = find_counters([tmp_path], amd=False, opener=tree.open_readonly)

    assert counter.read() == 42
    assert skipped == []


@pytest.mark.parametrize(
    "error", [errno.EACCES, errno.ENODEV, errno.ENOENT, errno.EIO, errno.EMFILE]
)
def test_a_read_that_fails_raises_whatever_the_reason(tmp_path: Path, error: int) -> None:
    """No number comes out, and the next good read goes on where the counter is."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", start_uj=1_000)
    broken: list[int] = []

    def opener(path: str) -> int:
        if broken:
            raise OSError(broken[0], os.strerror(broken[0]), path)
        return tree.open_readonly(path)

    (counter,), _ = find_counters([tmp_path], amd=False, opener=opener)
    broken.append(error)
    with pytest.raises(ReadFailed):
        counter.read()
    broken.clear()

    assert counter.read() == 1_000
    counter.close()


def test_a_closed_counter_stays_closed(tmp_path: Path) -> None:
    """A late read must not open a file that nobody closes again."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0")
    (counter,) = counters(tmp_path)
    counter.read()
    counter.close()
    before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(ReadFailed):
        counter.read()

    assert len(os.listdir("/proc/self/fd")) == before
    tree.close()


@pytest.mark.parametrize("text", ["", "0\n", "oops\n", "-1\n"])
def test_a_range_that_is_no_range_falls_back(tmp_path: Path, text: str) -> None:
    """A range of 0 would make every step a wrap."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", start_uj=65_600_000_000)
    tree.close()
    (tmp_path / "class/powercap/intel-rapl:0/max_energy_range_uj").write_text(text)

    (counter,) = counters(tmp_path)

    assert counter.range_units == 65_712_999_613


@pytest.mark.parametrize("text", ["", "oops\n", "-5\n", "1e9\n", "9" * 40, "0x10\n", "12 34\n"])
def test_garbage_is_no_number(tmp_path: Path, text: str) -> None:
    """Whatever the file holds, a number comes out only if it is one."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0")
    (counter,) = counters(tmp_path)
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
    (counter,) = counters(tmp_path)
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

    (counter,), _ = find_counters([tmp_path], amd=True)

    assert counter.range_units == 65_712_999_613
    assert counter.info.relative_error == 0.05


def test_a_twin_of_a_die_is_one_whatever_it_shows(tmp_path: Path) -> None:
    """Two zones of one name are one meter, also where they were read a moment apart."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0-die-0", start_uj=68_000_000)
    tree.add("package-0-die-0", control="intel-rapl-mmio", start_uj=99_000_000, key="twin")
    tree.close()

    assert ids(tmp_path) == ["rapl:package-0-die-0"]


def test_a_descriptor_that_went_bad_is_opened_again(tmp_path: Path) -> None:
    """A driver that was reloaded leaves ENODEV behind the old descriptor for good."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", start_uj=1_000)
    bad: list[bool] = []

    def opener(path: str) -> int:
        return tree.open_readonly(str(tmp_path) if bad else path)  # a folder opens, but never reads

    (counter,), _ = find_counters([tmp_path], amd=False, opener=opener)
    bad.append(True)
    with pytest.raises(ReadFailed):
        counter.read()
    bad.clear()

    assert counter.read() == 1_000
    counter.close()
    tree.close()
