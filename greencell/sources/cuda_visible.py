"""``CUDA_VISIBLE_DEVICES``: which GPUs a process may use, in CUDA's own reading of it. Pure.

NVIDIA's CUDA C++ Programming Guide, "CUDA Environment Variables": entries are indices, UUIDs or
unique beginnings of UUIDs; from the first entry that names no GPU on, nothing is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

VARIABLE = "CUDA_VISIBLE_DEVICES"
PCI_ORDER_REMEDY = (
    "set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name GPUs by UUID in CUDA_VISIBLE_DEVICES, so that "
    "CUDA counts them as the driver does"
)

ParentOf = Callable[[str], str]
"""The UUID of the GPU that holds a MIG instance, by the instance's; empty if unknown."""


def visible_gpus(
    environment: Mapping[str, str], uuids: Sequence[str], parent_of: ParentOf
) -> frozenset[int]:
    """Indices of the GPUs that may be used, in NVML's order, which is that of the PCI bus.

    Args:
        environment: the process's.
        uuids: of all GPUs, in that order; empty where unknown.
        parent_of: asked for entries that name a MIG instance.
    """
    value = environment.get(VARIABLE)
    if value is None:
        return frozenset(range(len(uuids)))
    seen: set[int] = set()
    for entry in (part.strip() for part in value.split(",")):
        index = _index(entry, uuids, parent_of)
        if index is None:
            break
        seen.add(index)
    return frozenset(seen)


def is_order_uncertain(environment: Mapping[str, str], names: Sequence[str]) -> bool:
    """Whether CUDA's index may mean another GPU: it counts the fastest first, unless told."""
    value = environment.get(VARIABLE, "")
    by_index = any(_is_number(part.strip()) for part in value.split(","))
    unlike = len(set(names)) > 1
    return by_index and unlike and environment.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"


def _index(entry: str, uuids: Sequence[str], parent_of: ParentOf) -> int | None:
    if _is_number(entry):
        return int(entry) if int(entry) < len(uuids) else None
    if entry.startswith("MIG-GPU-"):  # drivers before 470: MIG-<UUID of the GPU>/<gi>/<ci>
        return _with_uuid(entry.removeprefix("MIG-").partition("/")[0], uuids)
    if entry.startswith("MIG-"):
        return _with_uuid(parent_of(entry), uuids)
    if entry.startswith("GPU-"):
        return _with_uuid(entry, uuids)
    return None


def _with_uuid(beginning: str, uuids: Sequence[str]) -> int | None:
    """The one GPU whose UUID begins so; none if several do."""
    if not beginning:
        return None
    matches = [index for index, uuid in enumerate(uuids) if uuid.startswith(beginning)]
    return matches[0] if len(matches) == 1 else None


def _is_number(entry: str) -> bool:
    return entry.isascii() and entry.isdigit()
