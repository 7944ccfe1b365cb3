"""What counts for the kernel while nothing runs, as a power with its interval. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from greencell.attribution import whole
from greencell.edges import Power
from greencell.model import Interval, SourceInfo
from greencell.uncertainty import Account, figure


def idle_power(parts: Sequence[tuple[SourceInfo, Power | None]]) -> Interval | None:
    """The kernel's idle power in W, about 95 %; ``None`` if that of one source is not known.

    It is the figure of one second, so it holds all that a cell's interval holds.

    Args:
        parts: the kernel's part of each summed source's idle power.
    """
    portions = [
        None if power is None else replace(whole(power.mean_w), u_baseline_j=power.u_w)
        for _, power in parts
    ]
    if not portions or None in portions:
        return None
    account = Account(len(portions))
    account.add(portions)
    return figure(account, [info for info, _ in parts], [0.0] * len(portions)).energy_j
