"""The Python interface: the running session, and measuring a block or a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, overload

from greencell import script_session
from greencell.measured_calls import measured_calls
from greencell.measurement import Measurement, measure, running_extension
from greencell.running_session import Session

__all__ = ["Measurement", "measure", "measured", "session"]
F = TypeVar("F", bound=Callable[..., Any])


def session() -> Session | None:
    """The session that measures this notebook or script.

    ``None`` where greencell is not loaded, and in a script before its first measured block.
    """
    extension = running_extension()
    if extension is not None and extension.session.is_here:
        found: Session = extension.session
        return found
    script = script_session.current()
    return script.session if script is not None else None


@overload
def measured(label: F) -> F: ...


@overload
def measured(label: str | None = None) -> Callable[[F], F]: ...


def measured(label: Any = None) -> Any:
    """Measure every call of a function; the last one that ended is its ``measurement``.

    ::

        @greencell.measured
        def train(): ...

        @greencell.measured("fit")
        def fit(self): ...

    Takes functions, methods, coroutine functions, generators and async generators. A generator
    is measured from its first item to its end, with what is done between its items.

    Args:
        label: name of the blocks; else that of the function.

    Raises:
        UsageError: what stands below is no function.
    """
    if label is None or isinstance(label, str):
        return partial(measured_calls, label=label, begin=Measurement)
    return measured_calls(label, None, Measurement)
