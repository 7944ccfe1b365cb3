"""Each joule once: which of several sources of the same hardware is used."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from greencell.model import SourceInfo
from greencell.sources.selection import Candidate, select


def candidate(
    name: str, *parts: str, component: str = "cpu", node: bool = False, first_j: float | None = None
) -> Candidate:
    info = SourceInfo(
        name, component, "counter", "measured", 0.001, 1e-6, 0.03,
        scope="node" if node else "component", parts=parts,
    )  # fmt: skip
    return Candidate(info, first_j)


def used(*candidates: Candidate) -> list[str]:
    return [candidates[index].info.id for index in select(candidates).used]


def test_the_first_of_two_doors_to_the_same_package_is_used_and_the_other_told_why() -> None:
    """RAPL through powercap and through perf are the same joules."""
    pair = [candidate("rapl:package-0", "cpu:0"), candidate("perf:package-0", "cpu:0")]

    selection = select(pair)

    assert selection.used == (0,)
    assert [(s.id, s.reason) for s in selection.skipped] == [
        ("perf:package-0", "the same joules as rapl:package-0")
    ]


def test_packages_memories_and_gpus_are_different_hardware() -> None:
    """A package does not hold its memory, nor another socket."""
    names = used(
        candidate("a", "cpu:0"), candidate("b", "cpu:1"), candidate("c", "dram:0"),
        candidate("d", "gpu:0000:01:00.0"), candidate("e", "gpu:0000:02:00.0"),
    )  # fmt: skip

    assert names == ["a", "b", "c", "d", "e"]


def test_a_superchips_module_leaves_no_room_for_its_processor() -> None:
    """Module power holds the GPU and Grace; Grace beside it would be counted twice."""
    assert used(
        candidate("module", "gpu:0000:01:00.0", "cpu:*", component="gpu"),
        candidate("grace", "cpu:0"),
    ) == ["module"]


def test_an_apus_graphics_are_told_to_hold_more_than_graphics() -> None:
    """The reason says that the processor is in it, not that a GPU is a CPU."""
    selection = select(
        [candidate("rapl", "cpu:0"), candidate("amdgpu", "gpu:x", "cpu:*", component="gpu")]
    )

    assert "holds more than its gpu" in selection.skipped[0].reason


def test_one_meter_of_the_whole_machine_is_used_beside_the_sum() -> None:
    """psys and a battery show the same machine; neither is in the way of a package."""
    names = used(
        candidate("package", "cpu:0"),
        candidate("psys", "node:*", component="node", node=True),
        candidate("battery", "node:*", component="node", node=True),
    )

    assert names == ["package", "psys"]


def test_dies_are_one_if_they_show_one_value_and_several_if_they_do_not() -> None:
    """By value: Threadripper mirrors its socket, Cascade Lake-AP counts each die."""
    mirrored = [candidate("d0", "cpu:0/0", first_j=68.0), candidate("d1", "cpu:0/1", first_j=68.2)]
    apart = [candidate("d0", "cpu:0/0", first_j=68.0), candidate("d1", "cpu:0/1", first_j=99.0)]
    other_socket = [
        candidate("d0", "cpu:0/0", first_j=68.0), candidate("d1", "cpu:1/0", first_j=68.0),
    ]  # fmt: skip

    assert used(*mirrored) == ["d0"]
    assert used(*apart) == ["d0", "d1"]
    assert used(*other_socket) == ["d0", "d1"]


def test_a_socket_holds_its_dies() -> None:
    """perf counts the socket where powercap counted dies, or the other way round."""
    assert used(candidate("socket", "cpu:0"), candidate("die", "cpu:0/1")) == ["socket"]
    assert used(candidate("die", "cpu:0/1"), candidate("socket", "cpu:0")) == ["die"]
    assert used(candidate("one", "cpu:1"), candidate("eleven", "cpu:11")) == ["one", "eleven"]


parts = st.lists(
    st.sampled_from(["cpu:*", "cpu:0", "cpu:0/0", "cpu:0/1", "cpu:1", "dram:0", "dram:*", "gpu:a"]),
    min_size=1, max_size=3,
)  # fmt: skip


@given(st.lists(parts, max_size=12))
def test_no_piece_of_hardware_is_counted_twice_and_none_is_forgotten(
    lists: list[list[str]],
) -> None:
    """Used sources share nothing; each other one shares something with a used one."""
    candidates = [candidate(f"s{n}", *which) for n, which in enumerate(lists)]

    selection = select(candidates)

    def overlap(a: str, b: str) -> bool:
        (ka, wa), (kb, wb) = a.split(":"), b.split(":")
        nested = f"{wa}/".startswith(f"{wb}/") or f"{wb}/".startswith(f"{wa}/")
        return ka == kb and ("*" in (wa, wb) or nested)

    def clash(one: int, other: int) -> bool:
        return any(overlap(a, b) for a in lists[one] for b in lists[other])

    chosen = selection.used
    assert not any(clash(a, b) for a in chosen for b in chosen if a < b)
    rest = set(range(len(lists))) - set(chosen)
    assert all(any(clash(index, one) for one in chosen) for index in rest)
    assert len(selection.skipped) == len(rest)
