"""Which AMD GPUs a process may use, in ROCm's own reading of its environment. Pure.

``ROCR_VISIBLE_DEVICES`` is read first, by the runtime below HIP: indices, or beginnings of
``GPU-`` and the 16 digits of a GPU's unique number; set to nothing, it hides all. What it leaves
is numbered anew, in its order, for ``HIP_VISIBLE_DEVICES`` and, where that is empty, for
``CUDA_VISIBLE_DEVICES``. In each, nothing counts from the first entry on that names no GPU or,
in the first variable, one again (ROCm documentation, "GPU isolation techniques"; ROCR-Runtime
``amd_filter_device.cpp``).

Indices are taken in the order of AMD SMI, which is that of the runtime as long as both go by the
PCI bus. An entry by number cannot be judged where some GPU's is unknown: then nothing is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

ROCR_VARIABLE: Final = "ROCR_VISIBLE_DEVICES"
HIP_VARIABLES: Final = ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
_UUID: Final = "GPU-"
_MIN_LENGTH: Final = 5
"""Of an entry that is a UUID: one digit after ``GPU-``."""


def uuid_of(serial: str) -> str:
    """ROCm's UUID of a GPU by its unique number in hexadecimal; empty if that is unknown."""
    try:
        number = int(serial, 16)
    except ValueError:
        return ""
    return f"{_UUID}{number:016X}" if number > 0 else ""


def visible_gpus(environment: Mapping[str, str], uuids: Sequence[str]) -> frozenset[int]:
    """Indices of the GPUs that may be used, in the order of ``uuids``.

    Args:
        environment: the process's.
        uuids: of all GPUs, as ``uuid_of`` writes them; empty where unknown.
    """
    everything = tuple(range(len(uuids)))
    rocr = environment.get(ROCR_VARIABLE)
    hip = next((value for name in HIP_VARIABLES if (value := environment.get(name))), None)
    if not all(uuids) and any(_UUID in (value or "").upper() for value in (rocr, hip)):
        return frozenset(everything)
    seen = everything if rocr is None else _chosen(rocr, everything, uuids)
    if hip is not None:
        seen = _chosen(hip, seen, uuids)
    return frozenset(seen)


def _chosen(value: str, seen: Sequence[int], uuids: Sequence[str]) -> tuple[int, ...]:
    """Which of the GPUs ``seen`` so far an entry each of ``value`` names, in its order."""
    chosen: list[int] = []
    for entry in (part.strip().upper() for part in value.split(",")):
        index = _index(entry, seen, uuids)
        if index is None or index in chosen:
            break
        chosen.append(index)
    return tuple(chosen)


def _index(entry: str, seen: Sequence[int], uuids: Sequence[str]) -> int | None:
    if entry.isascii() and entry.isdigit():
        return seen[int(entry)] if int(entry) < len(seen) else None
    if not entry.startswith(_UUID) or len(entry) < _MIN_LENGTH:
        return None
    matches = [index for index in seen if uuids[index].startswith(entry)]
    return matches[0] if len(matches) == 1 else None
