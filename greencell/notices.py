"""Notices: what a person should know about the figures, with what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from greencell.guard import Guard
from greencell.model import CarbonInfo, Skipped, SourceInfo
from greencell.wire import Notice

_NO_METER = "This machine shows no power meter, so figures come from CPU time."
_CLOSED_METER = "This machine has a power meter that may not be read; figures come from CPU time."


def notices(
    infos: Sequence[SourceInfo],
    lost: Sequence[SourceInfo],
    skipped: Sequence[Skipped],
    carbon: CarbonInfo,
    guards: Sequence[Guard],
) -> Iterator[Notice]:
    """All notices, the most important first."""
    for guard in guards:
        if guard.last_failure is not None:
            text = f"Something in greencell failed ({guard.part}): {guard.last_failure}"
            yield Notice(f"fault:{guard.part}", "warning", text, "%greencell status tells more")
    for info in lost:
        yield Notice(f"lost:{info.id}", "warning", f"{info.id} went away; later figures lack it.")
    if not infos:
        yield Notice("no-source", "warning", "Nothing here can be metered or modelled.")
    cpu = [info for info in infos if info.component == "cpu"]
    if cpu and all(info.kind == "model" for info in cpu):
        rapl = next((s for s in skipped if s.id == "rapl"), None)
        closed = rapl is not None and rapl.flag == "no-permission"
        text = _CLOSED_METER if closed else _NO_METER
        yield Notice("estimated", "info", text, rapl.remedy if rapl is not None else "")
    if carbon.located_by == "default":
        yield Notice("zone", "info", carbon.note, "%greencell zone CODE")
