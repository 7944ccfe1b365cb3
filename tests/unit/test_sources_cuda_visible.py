"""CUDA_VISIBLE_DEVICES, as CUDA reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.sources.cuda_visible import is_order_uncertain, visible_gpus

UUIDS = [
    "GPU-00000001-0000-0000-0000-000000000000",
    "GPU-00000002-0000-0000-0000-000000000000",
]
PARENTS = {"MIG-6f1e": UUIDS[1]}


def seen(value: str | None) -> list[int]:
    environment = {} if value is None else {"CUDA_VISIBLE_DEVICES": value}
    return sorted(visible_gpus(environment, UUIDS, lambda mig: PARENTS.get(mig, "")))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, [0, 1]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1", [1]),
        ("0,1", [0, 1]),
        (" 1 , 0", [0, 1]),
        ("GPU-00000002", [1]),
        (UUIDS[0], [0]),
        (f"{UUIDS[1]},0", [0, 1]),
        ("0,-1,1", [0]),
        ("0,7,1", [0]),
        ("GPU-0", []),  # begins both
        ("0,GPU-ffff,1", [0]),
        ("MIG-6f1e", [1]),
        ("MIG-unknown", []),
        (f"MIG-{UUIDS[0]}/1/0", [0]),
        ("MIG-GPU-/1/0", []),
        ("\u00b2", []),
        ("0,,1", [0]),
    ],
)
def test_each_form_of_entry(value: str | None, expected: list[int]) -> None:
    """Index, UUID, unique beginning, MIG instance; from nonsense on nothing is seen."""
    assert seen(value) == expected


@given(st.text(max_size=40))
def test_no_text_raises(value: str) -> None:
    """The variable may hold anything."""
    assert set(seen(value)) <= {0, 1}


def test_a_gpu_without_uuid_is_only_seen_by_index() -> None:
    """An empty UUID begins with nothing and everything."""
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "GPU-"}, ["", ""], lambda _: "") == frozenset()
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "1"}, ["", ""], lambda _: "") == {1}
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "MIG-1"}, [UUIDS[0]], lambda _: "") == frozenset()


@pytest.mark.parametrize(
    ("environment", "names", "uncertain"),
    [
        ({"CUDA_VISIBLE_DEVICES": "1"}, ["A", "B"], True),
        ({"CUDA_VISIBLE_DEVICES": "1"}, ["A", "A"], False),
        ({"CUDA_VISIBLE_DEVICES": UUIDS[0]}, ["A", "B"], False),
        ({"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, ["A", "B"], False),
        ({}, ["A", "B"], False),
    ],
)
def test_when_the_order_is_in_doubt(
    environment: dict[str, str], names: list[str], uncertain: bool
) -> None:
    """CUDA counts the fastest first, which can only differ among unlike GPUs named by index."""
    assert is_order_uncertain(environment, names) is uncertain
