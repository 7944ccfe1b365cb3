"""A function whose every call is measured: what stands in its place."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar

from greencell.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])
Begin = Callable[[str], AbstractContextManager[Any]]
"""Makes the block of one call, of this name."""
_Function = Callable[..., Any]


def measured_calls(function: F, label: str | None, begin: Begin) -> F:
    """The function, every call of it measured; the last one that ended is its ``measurement``.

    Args:
        label: name of the blocks; else that of the function.

    Raises:
        UsageError: it is none.
    """
    if isinstance(function, (staticmethod, classmethod)):
        kind: Any = type(function)
        return kind(measured_calls(function.__func__, label, begin))  # type: ignore[no-any-return]  # as F
    if isinstance(function, type) or not callable(function):
        name = getattr(function, "__name__", type(function).__name__)
        raise UsageError(
            f"measured takes a function, which {name[:60]} is not; put it above a function."
        )
    if type(function).__module__.startswith("_pytest."):
        raise UsageError("measured takes a function; put it below @pytest.fixture.")
    named = label if label is not None else _name(function)

    def measuring(wrapper: Any) -> _Call:
        return _Call(wrapper, begin(named))

    if _is(inspect.iscoroutinefunction, function):
        call: _Function = _coroutine(function, measuring)
    elif _is(inspect.isasyncgenfunction, function):
        call = _async_generator(function, measuring)
    elif _is(inspect.isgeneratorfunction, function):
        call = _generator(function, measuring)
    else:
        call = _plain(function, measuring)
    call.measurement = None  # type: ignore[attr-defined]  # of the wrapper, for its users
    return call  # type: ignore[return-value]  # of the same signature


def _is(check: Callable[[object], bool], function: _Function) -> bool:
    """Whether a function, or an object that is called like one, is of a kind."""
    return check(function) or check(getattr(type(function), "__call__", None))  # noqa: B004  # asked of its kind


def _name(function: _Function) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__qualname__", type(function).__name__)
    return str(name).rpartition("<locals>.")[2]


class _Call:
    """One call; when it ends, it is the function's ``measurement``."""

    def __init__(self, wrapper: Any, block: AbstractContextManager[Any]) -> None:
        self._wrapper = wrapper
        self._block = block

    def __enter__(self) -> None:
        self._block.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._block.__exit__(kind, error, traceback)
        self._wrapper.measurement = self._block


_Measuring = Callable[[Any], _Call]


def _plain(function: _Function, measuring: _Measuring) -> _Function:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with measuring(call):
            return function(*args, **kwargs)

    return call


def _coroutine(function: _Function, measuring: _Measuring) -> _Function:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        with measuring(call):
            return await function(*args, **kwargs)

    return call


def _generator(function: _Function, measuring: _Measuring) -> _Function:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with measuring(call):
            return (yield from function(*args, **kwargs))  # type: ignore[no-any-return]  # its own

    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    # A generator that may be awaited stays one.
    return types.coroutine(call) if flags & inspect.CO_ITERABLE_COROUTINE else call


def _async_generator(function: _Function, measuring: _Measuring) -> _Function:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with measuring(call):
            inner = function(*args, **kwargs)
            try:
                item = await inner.__anext__()
                while True:
                    sent = None
                    thrown = _Thrown()
                    with thrown:
                        sent = yield item
                    if thrown.error is None:
                        item = await inner.asend(sent)
                    else:
                        item = await inner.athrow(thrown.error)
            except StopAsyncIteration:
                return
            finally:
                await inner.aclose()

    return call


class _Thrown:
    """Takes what is thrown into a generator where it waits, to pass it on; not its close.

    Attributes:
        error: what was thrown, if anything.
    """

    error: BaseException | None = None

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> bool:
        if isinstance(error, GeneratorExit):
            return False
        self.error = error
        return True
