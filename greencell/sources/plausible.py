"""What a power reading can be: one bound for all gauges.

Drivers fill what they cannot tell with all ones, -1 or nothing at all, and call it a success.
Such a reading is none, and what it would have told is missing.
"""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from greencell.errors import ReadFailed
from greencell.model import Component
from greencell.sources.base import PowerGauge

MOST_BOARD_W: Final = 3_000.0
MOST_SOCKET_W: Final = 1_000.0
MOST_NODE_W: Final = 20_000.0
"""More than any board, socket and machine draws (2026: 1.4 kW, 0.5 kW, 15 kW), with room."""
_MOST_W: Final[dict[Component, float]] = {"gpu": MOST_BOARD_W}


@runtime_checkable
class Bounded(Protocol):
    """A source that knows what its own device can draw."""

    @property
    def max_power_w(self) -> float:
        """Highest plausible power, in W."""
        ...


def most_w(source: PowerGauge) -> float:
    """The highest power that is believed of a gauge, in W."""
    info = source.info
    usual_w = MOST_NODE_W if info.scope == "node" else _MOST_W.get(info.component, MOST_SOCKET_W)
    return min(usual_w, source.max_power_w) if isinstance(source, Bounded) else usual_w


def read_possible_w(source: PowerGauge, bound_w: float) -> float:
    """Power now, in W.

    Raises:
        ReadFailed: no sample this time, or one that cannot be: negative, no number, too much.
        SourceGone: no sample ever again.
    """
    power_w = source.read_w()
    if not 0.0 <= power_w <= bound_w:
        raise ReadFailed(f"{source.info.id} shows {power_w:.3g} W, which cannot be")
    return power_w
