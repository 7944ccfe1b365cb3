"""The Python interface: the running session, and measuring a block or a function."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from greencell.model import CellRecord
from greencell.session import Session

F = TypeVar("F", bound=Callable[..., Any])


def session() -> Session | None:
    """The session that measures this notebook, or ``None`` if greencell is not loaded."""
    extension = _extension()
    return extension.session if extension is not None else None


class Measurement:
    """What a ``measure`` block cost; everything is ``None`` until it ended, or if unknown.

    The first look after the end waits for slow counters to tick, at most a few tenths of a
    second; the block itself does not wait.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self._record: CellRecord | None = None
        self._fetch: Callable[[], CellRecord | None] | None = None

    def end(self, fetch: Callable[[], CellRecord | None]) -> None:
        """The block ended; ``fetch`` gives its record."""
        self._fetch = fetch

    @property
    def record(self) -> CellRecord | None:
        """All that is known of it."""
        if self._fetch is not None:
            self._record, self._fetch = self._fetch(), None
        return self._record

    @property
    def energy_j(self) -> float | None:
        """Energy in J."""
        return self.record.energy_j.value if self.record and self.record.energy_j else None

    @property
    def energy_low_j(self) -> float | None:
        """Lower end of the energy's interval, about 95 %, in J."""
        return self.record.energy_j.low if self.record and self.record.energy_j else None

    @property
    def energy_high_j(self) -> float | None:
        """Upper end of the energy's interval, about 95 %, in J."""
        return self.record.energy_j.high if self.record and self.record.energy_j else None

    @property
    def co2_kg(self) -> float | None:
        """CO2 equivalents in kg."""
        return self.record.co2_g.value / 1000 if self.record and self.record.co2_g else None

    @property
    def duration_s(self) -> float | None:
        """Duration in s."""
        return self.record.duration_s if self.record else None

    @property
    def by_component(self) -> dict[str, float]:
        """Energy in J by component."""
        return dict(self.record.by_component_j) if self.record else {}

    @property
    def provenance(self) -> str | None:
        """``measured``, ``estimated`` or ``mixed``."""
        return self.record.provenance if self.record else None

    def __repr__(self) -> str:
        from greencell.report import figures
        from greencell.report.shape import visible
        from greencell.units import kwh_from_j

        label, record = visible(self.label), self.record
        if record is None or record.energy_j is None:
            return f"<{label}: no figure>"
        item = {
            "energy_kwh": kwh_from_j(record.energy_j.value),
            "energy_low_kwh": kwh_from_j(record.energy_j.low),
            "energy_high_kwh": kwh_from_j(record.energy_j.high),
            "provenance": record.provenance,
            "flags": record.flags,
            "final": record.final,
        }
        return f"<{label}: {figures.figure(item, 'energy')}, {record.provenance}>"


@contextmanager
def measure(label: str = "block") -> Iterator[Measurement]:
    """Measure a block of code; works in plain scripts too.

    ::

        with greencell.measure("train") as m:
            train()
        print(m.energy_j, m.energy_low_j, m.energy_high_j)
    """
    extension = _extension()
    running = extension.session if extension is not None else _own_session()
    outer = extension.hooks.outermost_run if extension is not None else None
    result = Measurement(label)
    opening = running.open_run(None, outer, is_cell=False)
    running.begin(opening)
    try:
        yield result
    finally:
        running.end(opening.run, running.take(), "ok", None)
        result.end(functools.partial(running.finished, opening.run))
        if extension is None:
            _ = result.record  # while there is a session to ask
            running.close()


def measured(label: str) -> Callable[[F], F]:
    """Measure every call of a function, plain or async; the last one is its ``measurement``."""

    def decorate(function: F) -> F:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def async_call(*args: Any, **kwargs: Any) -> Any:
                with measure(label) as async_call.measurement:  # type: ignore[attr-defined]
                    return await function(*args, **kwargs)

            return async_call  # type: ignore[return-value]  # same signature as the function

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with measure(label) as call.measurement:  # type: ignore[attr-defined]
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]  # same signature as the function

    return decorate


def _extension() -> Any:
    """The extension on the shell that runs this code; IPython is not imported for asking."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    from greencell.extension import extension_of

    return extension_of(get_ipython())


def _own_session() -> Session:
    """A session for a plain script."""
    from greencell.carbon.grid_table import GridTable
    from greencell.equipment import equip
    from greencell.settings import read_settings

    own = Session(equip(read_settings(os.environ, {}), os.environ, GridTable()).equipment)
    own.start()
    return own
