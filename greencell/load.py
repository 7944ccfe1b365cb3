"""``%load_ext greencell`` and ``%unload_ext greencell``."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from greencell.carbon.grid_table import GridTable
from greencell.channel import kernel_of
from greencell.equipment import equip
from greencell.extension import ATTRIBUTE, Extension, Shell
from greencell.guard import Guard
from greencell.report.terminal import one_line, say
from greencell.running_session import Session
from greencell.settings import read_settings

if TYPE_CHECKING:
    from greencell.magics import Magics

_PARKED = "_greencell_parked"
_SECTION = "GreenCell"
_MORE_LETTERS, _ALIKE = 2, 0.85
_CALLER = 2
"""Whose variables ``{name}`` means: so many frames above a magic, as IPython counts them."""


def load(shell: Shell) -> None:
    """``%load_ext greencell``: start measuring, say so in one line. Idempotent, never raises."""
    if getattr(shell, ATTRIBUTE, None) is not None:
        return
    guard = Guard("start")
    guard.run(_load, shell)
    if guard.last_failure is not None:
        guard.run(unload, shell)
        _warn(shell, f"greencell did not start: {guard.last_failure}")


def _load(shell: Shell) -> None:
    config, misplaced = _config(shell)
    read = read_settings(os.environ, config)
    table = GridTable()
    equipped = equip(read, os.environ, table)
    extension = Extension(shell, equipped, read.settings, table, _parked(shell))
    setattr(shell, ATTRIBUTE, extension)
    _register_magics(shell, extension)
    # From now on this session measures the blocks, too: two would count everything twice.
    script = sys.modules.get("greencell.script_session")
    if script is not None:
        Guard("session").run(script.end)
    extension.start()
    own = () if extension.problem is None else (f"greencell: {extension.problem}",)
    extension.problems = (*misplaced, *equipped.problems, *own)
    for problem in extension.problems:
        _warn(shell, problem)
    if _is_asked(shell):
        # Whatever becomes of the words, greencell runs.
        Guard("words").run(say, one_line(extension.first_line(), most=None))


def _is_asked(shell: Shell) -> bool:
    """Whether a person is there to read: not in a script, nor while a kernel starts."""
    if getattr(getattr(shell, "parent", None), "interact", True) is False:
        return False  # ipython FILE, ipython -c, ipython -m
    return not _starts(shell)


def _starts(shell: Shell) -> bool:
    """Whether a kernel loads us as it starts: what it says then is in nobody's cell."""
    kernel = kernel_of(shell)
    get_parent = getattr(kernel, "get_parent", None)
    return get_parent is not None and not get_parent("shell")


def _warn(shell: Shell, line: str) -> None:
    """One line where it is in nobody's way; ``%greencell status`` tells it again."""
    line = one_line(line, most=None)
    if _starts(shell):
        Guard("words").run(shell.kernel.log.warning, "%s", line)
    else:
        Guard("words").run(say, line, sys.stdout if _is_asked(shell) else sys.stderr)


def unload(shell: Shell) -> None:
    """``%unload_ext greencell``: stop and release everything. Idempotent."""
    extension: Extension | None = getattr(shell, ATTRIBUTE, None)
    if extension is None:
        return
    delattr(shell, ATTRIBUTE)
    Guard("end").run(extension.stop)
    for kind in ("line", "cell"):
        for name in ("greencell", "energy"):
            shell.magics_manager.magics[kind].pop(name, None)
    setattr(shell, _PARKED, (shell.execution_count, extension.session))


def _parked(shell: Shell) -> Session | None:
    """The session that was unloaded by this same cell: then this is a reload.

    One of before our files were reloaded does not fit what they say now.
    """
    count, session = getattr(shell, _PARKED, (None, None))
    if session is None:
        return None
    delattr(shell, _PARKED)
    if count != shell.execution_count:
        return None
    if not isinstance(session, Session):
        say("greencell: its own files have changed; a new session begins")
        return None
    return session


def _register_magics(shell: Shell, extension: Extension) -> None:
    from IPython.core.magic import needs_local_scope, no_var_expand
    from IPython.display import display

    @cache
    def magics() -> Magics:
        from greencell.magics import Magics  # with all reports, only when used

        return Magics(extension, display)

    @no_var_expand  # type: ignore[untyped-decorator]  # IPython comes without types
    def greencell(line: str, cell: str | None = None) -> None:
        """Energy and CO2 of this notebook; %greencell help lists the commands."""
        if line.split(None, 1)[:1] != ["export"]:  # the path of an export is as it was typed
            line = shell.var_expand(line, _CALLER)
        if cell is None:
            magics().line(line)
        else:
            magics().cell(line, cell)

    @no_var_expand  # type: ignore[untyped-decorator]  # IPython comes without types
    @needs_local_scope  # type: ignore[untyped-decorator]
    def energy(
        line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None
    ) -> object:
        """What a statement costs in joules, repeated until it can be told.

        ``%energy [options] STATEMENT``, or ``%%energy [options] SETUP`` over a cell of code.

        -n N     runs per leg; else as many as the slowest meter needs
        -r R     legs; else at least 10, until the median is known to 2 % or 20 s have passed
        --gross  leave the idle power in
        -o       return the result
        """
        __tracebackhide__ = True
        from greencell.energy_magic import EnergyMagic  # with its statistics, only when used

        return EnergyMagic(extension).run(line, cell, local_ns)

    shell.register_magic_function(energy, magic_kind="line_cell", magic_name="energy")
    shell.register_magic_function(greencell, magic_kind="line_cell", magic_name="greencell")


def _config(shell: Shell) -> tuple[dict[str, object], tuple[str, ...]]:
    """Our section of the configuration, and a line for each that seems to be meant."""
    config = getattr(shell, "config", None) or {}
    misspelt = [
        f"greencell: c.{name} is not read; the settings are those of c.{_SECTION}."
        for name in map(str, config)
        if name != _SECTION and _is_alike(name)
    ]
    return dict(config.get(_SECTION) or {}), tuple(misspelt)


def _is_alike(name: str) -> bool:
    """Whether a name of a section is ours, misspelt."""
    if name[:1] not in "Gg" or not abs(len(name) - len(_SECTION)) <= _MORE_LETTERS:
        return False
    from difflib import SequenceMatcher  # only where somebody mistyped

    return SequenceMatcher(None, name.lower(), _SECTION.lower()).ratio() > _ALIKE
