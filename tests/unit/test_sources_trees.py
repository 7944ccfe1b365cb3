"""Golden trees: for each quirk of real machines, exactly these sources and these reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from greencell.sources.discovery import Discovery, Places, discover

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sys"
TREES = sorted(path.stem for path in FIXTURES.glob("*.txt"))


def unpack(name: str, root: Path) -> list[str]:
    """Make the tree's files, folders and links under ``root``; return its comments."""
    comments = []
    for line in (FIXTURES / f"{name}.txt").read_text().splitlines():
        if line.startswith("# "):
            comments.append(line[2:])
        elif " -> " in line:
            path, target = line.split(" -> ")
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).symlink_to(target)
        elif line.endswith("/"):
            (root / line).mkdir(parents=True, exist_ok=True)
        else:
            path, content = line.split(" = ", 1)
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content.replace("\\n", "\n").replace("@ROOT@", str(root)))
    return comments


def found(root: Path) -> Discovery:
    places = Places(
        root / "sys", root / "proc", container_marks=(), scaphandre=root / "var/scaphandre"
    )
    discovery = discover(places)
    for source in discovery.sources:
        source.close()
    return discovery


@pytest.mark.parametrize("name", TREES)
def test_a_golden_tree_yields_exactly_these_sources(name: str, tmp_path: Path) -> None:
    """Each joule once, and every zone or meter that is left out has its reason."""
    comments = unpack(name, tmp_path)
    expected = [
        word for line in comments if line.startswith("expect: ") for word in line.split()[1:]
    ]
    skipped = [tuple(line.split()[1:]) for line in comments if line.startswith("skip: ")]

    discovery = found(tmp_path)

    assert [source.info.id for source in discovery.sources] == expected
    assert [(s.id, s.flag) for s in discovery.skipped if not s.id.startswith("nvml")] == skipped
    assert all(one.reason and "\n" not in one.reason + one.remedy for one in discovery.skipped)


def test_the_golden_trees_are_there() -> None:
    """An empty folder of fixtures must not pass."""
    assert len(TREES) >= 10


def test_the_laptop_reads_the_register_not_its_twin(tmp_path: Path) -> None:
    """The memory-mapped copy has the same joules; the first choice is the better one."""
    unpack("laptop", tmp_path)

    counter = discover(Places(tmp_path / "sys", tmp_path / "proc")).sources[0]

    assert counter.read() == 83_451_201_333  # type: ignore[union-attr]
    counter.close()


def test_a_real_machine_without_drivers_is_told_how_to_load_them(tmp_path: Path) -> None:
    """The remedy is a command, and it is not offered where it cannot help."""
    unpack("metal-empty-tree", tmp_path)
    unpack("container-covered", tmp_path / "c")
    (tmp_path / "arm/proc").mkdir(parents=True)
    (tmp_path / "arm/proc/cpuinfo").write_text("CPU implementer\t: 0x41\n")

    remedies = [
        next(one.remedy for one in found(root).skipped if one.id == "rapl")
        for root in (tmp_path, tmp_path / "c", tmp_path / "arm")
    ]

    assert remedies[0].startswith("sudo modprobe")
    assert remedies[1].startswith("start the container with")
    assert remedies[2] == ""


def test_other_roots_stand_in_for_a_masked_one(tmp_path: Path) -> None:
    """The host's tree, mounted elsewhere, is used where the container's own is covered."""
    unpack("container-dangling", tmp_path)
    unpack("two-sockets", tmp_path / "host")
    places = Places(
        tmp_path / "sys",
        tmp_path / "proc",
        more_sysfs_roots=(tmp_path / "none", tmp_path / "host/sys"),
    )

    ids = [source.info.id for source in discover(places).sources]

    assert ids == ["rapl:package-1", "rapl:package-0", "rapl:dram-1", "rapl:dram-0"]


def test_a_container_on_a_virtual_machine_is_told_of_the_machine(tmp_path: Path) -> None:
    """Uncovering an empty tree would show an empty tree."""
    unpack("virtual-empty-tree", tmp_path)
    mark = tmp_path / ".dockerenv"
    mark.touch()

    (rapl,) = [
        skipped
        for skipped in discover(
            Places(tmp_path / "sys", tmp_path / "proc", container_marks=(mark,))
        ).skipped
        if skipped.id == "rapl"
    ]

    assert rapl.flag == "virtual"
    assert "docker" not in rapl.remedy
