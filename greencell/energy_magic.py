"""The magics ``%energy`` and ``%%energy``: parse, repeat a statement in measured legs, show.

Each leg is a measured block of the session inside the running cell, so it is in no sum twice. The
statement is compiled as ``%timeit`` does it: once, into a loop in a function over the user's
namespace, with the loop's two looks at the clock as the leg's edges.
"""

from __future__ import annotations

import ast
import gc
import itertools
import re
import time
from collections.abc import Callable
from typing import Any, Final

from greencell import repetition
from greencell.clock import Clock, SystemClock
from greencell.energy_legs import (
    EnergyResult,
    Idle,
    Leg,
    Options,
    Series,
    ended,
    idle_power,
    is_sure,
    period_s,
)
from greencell.errors import UsageError
from greencell.extension import Extension
from greencell.report.terminal import one_line, say
from greencell.units import seconds_from_ns

USAGE: Final = "%energy [-n RUNS] [-r LEGS] [--gross] [-o] STATEMENT"
_MOST: Final = 10**9
_IDLE_S: Final = 1.1
"""Two samples a second apart leave at least half of it whole, which a baseline needs."""
_U_IDLE: Final = 0.05
"""Relative standard uncertainty of the power of one idle leg, as of a baseline; judgement."""
_OPTION: Final = re.compile(r"\s*(--gross|--|-o|-[nr])(?:(?<=-[nr])\s*=?\s*(\S*)|(?=\s|$))")
_TEMPLATE: Final = """
def inner(_it, _timer):
    setup
    _t0 = _timer()
    for _i in _it:
        stmt
    _t1 = _timer()
    return _t1 - _t0
"""
Namespace = dict[str, Any]
Timer = Callable[[], int]


def options_of(line: str) -> tuple[Options, str]:
    """The options at the beginning of a line, and the statement that is left.

    Raises:
        UsageError: an option that there is not, or a bad number.
    """
    given: dict[str, int | bool] = {}
    while found := _OPTION.match(line):
        name, value = found.groups()
        line = line[found.end() :]
        if name == "--":
            break
        if name in ("-n", "-r"):
            given["runs" if name == "-n" else "legs"] = _count(name, value)
        else:
            given["gross" if name == "--gross" else "returns"] = True
    else:
        if line.lstrip().startswith("-"):
            unknown = line.split()[0][:40]
            raise UsageError(
                f"Unknown option {unknown!r}; {USAGE}, with -- before a statement that begins so."
            )
    return Options(**given), line.strip()  # type: ignore[arg-type]  # each of its field's type


def _count(name: str, value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) <= _MOST:
        raise UsageError(f"{name} takes a whole number from 1 on, not {value[:40]!r}.")
    return int(value)


class _Statement:
    """The user's code in a loop.

    Raises:
        SyntaxError: as IPython shows it.
    """

    def __init__(self, shell: Any, setup: str, code: str, namespace: Namespace) -> None:
        __tracebackhide__ = True
        parts = []
        for source in (setup, code):
            tree = shell.transform_ast(shell.compile.ast_parse(shell.transform_cell(source)))
            # What is only valid inside a function or a loop is refused here.
            shell.compile(tree, "<energy>", "exec")
            parts.append(tree.body)
        if not parts[1]:
            raise UsageError(f"Nothing to measure: {USAGE}.")
        template = ast.parse(_TEMPLATE)
        function: Any = template.body[0]
        function.body[2].body = parts[1]
        function.body[:1] = parts[0] or [ast.Pass()]
        found: Namespace = {}
        compiled = shell.compile(ast.fix_missing_locations(template), "<energy>", "exec")
        exec(compiled, namespace, found)  # noqa: S102  # the user's own code
        self._inner: Callable[[Any, Timer], int] = found["inner"]

    def run(self, runs: int, timer: Timer) -> float:
        """So many runs without garbage collection; their duration in s."""
        __tracebackhide__ = True
        collecting = gc.isenabled()
        gc.disable()
        try:
            return seconds_from_ns(self._inner(itertools.repeat(None, runs), timer))
        finally:
            if collecting:
                gc.enable()


class EnergyMagic:
    """``%energy`` over one extension.

    Args:
        sleep: lets so many seconds pass.
    """

    def __init__(
        self,
        extension: Extension,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._extension = extension
        self._session = extension.session
        self._clock = clock or SystemClock()
        self._sleep = sleep

    def run(self, line: str, cell: str | None, local_ns: Namespace | None) -> EnergyResult | None:
        """Measure and print; the result only if asked for. A user's mistake prints one line."""
        __tracebackhide__ = True
        try:
            options, code = options_of(line)
            if self._session.paused:
                raise UsageError(
                    "Nothing is measured while paused; %greencell resume counts again."
                )
            setup, code = ("pass", code) if cell is None else (code or "pass", cell)
            shell = self._extension.shell
            namespace = _namespace(shell.user_ns, local_ns if cell is None else None)
            statement = _Statement(shell, setup, code, namespace)
        except UsageError as error:
            say(f"greencell: {one_line(str(error), most=None)}")
            return None
        result = self._repeat(statement, options)
        none = "greencell: no leg without missing readings; %greencell status tells more"
        say(none if result is None else str(result))
        return result if options.returns else None

    def _repeat(self, statement: _Statement, options: Options) -> EnergyResult | None:
        """The result; ``None`` if no leg was read as a whole."""
        __tracebackhide__ = True
        begin_ns = self._clock.monotonic_ns()
        statement.run(1, self._clock.monotonic_ns)  # imports, compiles, fills caches
        idle = Idle({}) if options.gross else self._idle()
        infos = [info for info, _ in self._session.idle()]
        target_s = repetition.leg_s([period_s(i) for i in infos if i.provenance == "measured"])
        runs = options.runs or repetition.enough_runs(
            lambda count: statement.run(count, self._clock.monotonic_ns), target_s
        )
        series = Series(options, runs, target_s, idle, self._since_s(begin_ns))
        while series.stop is None:
            leg = self._new_leg()
            with ended(leg):
                statement.run(series.runs, leg)
            series.add(leg.record(), self._since_s(begin_ns))
        return series.result(infos, self._since_s(begin_ns))

    def _idle(self) -> Idle:
        """Idle power as measured before, else over a second in which nothing is done.

        Seconds that a slow counter cuts at its ticks scatter; a leg knows its edges better.
        """
        __tracebackhide__ = True
        known, record = self._session.idle(), None
        if not all(is_sure(power) for _, power in known):
            leg = self._new_leg()
            with ended(leg):
                leg()
                self._sleep(_IDLE_S)
                leg()
            record, known = leg.record(), self._session.idle()
        return idle_power(known, record)

    def _new_leg(self) -> Leg:
        return Leg(self._session, self._clock, self._extension.hooks.outermost_run)

    def _since_s(self, begin_ns: int) -> float:
        return seconds_from_ns(self._clock.monotonic_ns() - begin_ns)


def _namespace(user_ns: Namespace, local_ns: Namespace | None) -> Namespace:
    """The user's own namespace; of a function that calls the magic, with its variables."""
    if local_ns is None or local_ns is user_ns:
        return user_ns
    return {**user_ns, **local_ns}
