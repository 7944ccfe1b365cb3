"""Notices: what a person should know about the figures, with what to do about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from greencell.attribution import DeviceUse
from greencell.guard import Guard
from greencell.model import CarbonInfo, Skipped, SourceInfo
from greencell.translation import translatable
from greencell.wire import Notice

_NO_METER: Final = translatable("This machine shows no power meter, so figures come from CPU time.")
_CLOSED_METER: Final = translatable(
    "This machine has a power meter that may not be read; figures come from CPU time."
)
_UNUSED_METER: Final = translatable(
    "This machine can meter its CPU, and does not yet; figures come from CPU time."
)
_NO_THREAD: Final = translatable(
    "This kernel can start no thread, so meters are read at the edges of cells alone, and nothing "
    "is shown while a cell runs."
)
_RESTART: Final = translatable("restart the kernel when it is back")
_LOOK_AGAIN: Final = translatable(
    "greencell doctor tells whether it answers; a restart of the kernel looks anew"
)
_CPU: Final = re.compile(r"\bcpu\b", re.IGNORECASE)


def notices(
    infos: Sequence[SourceInfo],
    lost: Sequence[SourceInfo],
    skipped: Sequence[Skipped],
    carbon: CarbonInfo,
    guards: Sequence[Guard],
    *,
    silent: Sequence[SourceInfo] = (),
    device_use: Sequence[DeviceUse | None] = (),
    flags: Collection[str] = (),
    hooks_spared: bool = False,
    hanging: Sequence[str] = (),
    no_thread: bool = False,
) -> Iterator[Notice]:
    """All notices, the most important first.

    Args:
        silent: sources that have not answered for a while, though they may again.
        device_use: who used each source's device of late, in the order of ``infos``.
        flags: those of the session's totals.
        hooks_spared: whether meters are left to the background thread, because a hook was slow.
        hanging: drivers that are left out, because a read did not end in time.
        no_thread: whether this process can start no thread.
    """
    for guard in guards:
        if guard.is_troubled:
            what = f"({guard.part}): {guard.last_failure}"
            text = translatable(f"Something in greencell failed {what}")
            yield Notice(f"fault:{guard.part}", "warning", text, "%greencell status", what)
    yield from _hanging(hanging, no_thread=no_thread)
    for info in lost:
        text = translatable(f"{info.id} went away; later figures lack it.")
        yield Notice(f"lost:{info.id}", "warning", text, _RESTART, info.id)
    for info in (one for one in silent if one.id.partition(":")[0] not in hanging):
        text = translatable(f"{info.id} does not answer; figures lack it until it does.")
        yield Notice(f"silent:{info.id}", "warning", text, _LOOK_AGAIN, info.id)
    if not infos:
        text = translatable("Nothing here can be metered or modelled.")
        yield Notice("no-source", "warning", text)
    if hooks_spared:
        text = translatable(
            "Reading the meters around a cell took too long; they are read beside the cells for "
            "now, and short cells are told less surely."
        )
        yield Notice("slow-hooks", "info", text, "%reload_ext greencell")
    yield from _estimated(infos, skipped)
    if "stale" in flags:
        text = translatable("A meter stood still for a while; what it did not show is missing.")
        yield Notice("stale", "warning", text, _LOOK_AGAIN)
    yield from _shared(infos, device_use)
    yield from _mig(infos)
    if carbon.located_by == "default":
        yield Notice("zone", "info", carbon.note, "%greencell zone CODE")


def _hanging(drivers: Sequence[str], *, no_thread: bool) -> Iterator[Notice]:
    """What reads the meters is held up, or is not there."""
    for driver in drivers:
        text = translatable(f"{driver} hangs; figures lack it until it answers.")
        yield Notice(f"hangs:{driver}", "warning", text, _LOOK_AGAIN, driver)
    if no_thread:
        yield Notice("no-thread", "info", _NO_THREAD, "%greencell")


def _estimated(infos: Sequence[SourceInfo], skipped: Sequence[Skipped]) -> Iterator[Notice]:
    """The CPU is modelled: what would meter it, by whichever door."""
    cpu = [info for info in infos if info.component == "cpu"]
    if not cpu or any(info.kind != "model" for info in cpu):
        return
    door = next((one for one in skipped if one.remedy and _CPU.search(one.benefit)), None)
    if door is not None:
        text = _CLOSED_METER if door.flag == "no-permission" else _UNUSED_METER
        yield Notice("estimated", "info", text, door.remedy)
        return
    rapl = next((one for one in skipped if one.id == "rapl"), None)
    closed = rapl is not None and rapl.flag == "no-permission"
    text = _CLOSED_METER if closed else _NO_METER
    yield Notice("estimated", "info", text, rapl.remedy if rapl is not None else "")


def _shared(
    infos: Sequence[SourceInfo], device_use: Sequence[DeviceUse | None]
) -> Iterator[Notice]:
    """A GPU is in others' hands as well, and nothing tells how much."""
    for info, use in zip(infos, device_use, strict=False):
        held = use is not None and use.own_processes and use.other_processes
        if use is None or not held or None not in (use.own, use.others):
            continue
        text = translatable(
            f"Others use {info.id} too and its driver tells no utilisation; "
            "this kernel's part lies between nothing and all."
        )
        remedy = translatable("measure while the GPU is this kernel's alone")
        yield Notice(f"shared:{info.id}", "info", text, remedy, info.id)


def _mig(infos: Sequence[SourceInfo]) -> Iterator[Notice]:
    """A GPU in instances has one meter for all of them."""
    for info in infos:
        if "mig" in info.flags:
            text = translatable(
                f"{info.id} is divided (MIG); its one meter counts all instances, others' too."
            )
            remedy = translatable("measure while the other instances are idle, or on a whole GPU")
            yield Notice(f"mig:{info.id}", "info", text, remedy, info.id)
