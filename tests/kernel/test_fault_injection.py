"""An exception inside greencell, at every function that it calls around cells, one after another.

A trace function raises at the first call of the function whose turn it is. The user's cells must
run, say what they say without greencell, and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

PROGRAM = """
    import contextlib, gc, io, json, os, sys, threading, time
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "greencell")  # imports are done
    ours = os.path.dirname(sys.modules["greencell"].__file__) + os.sep
    CELLS = ["x = 1", "print('a'); x", "%%capture out\\nprint('b')", "1/0", "x + 1"]

    def name_of(code):
        return code.co_filename[len(ours):] + ":" + code.co_qualname if hasattr(code, "co_qualname") \\
            else code.co_filename[len(ours):] + ":" + code.co_name

    class Injected(BaseException):
        pass

    KINDS = {"RuntimeError": RuntimeError, "SystemExit": SystemExit, "MemoryError": MemoryError}

    def cells():
        said, failed = io.StringIO(), []
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            for cell in CELLS:
                result = shell.run_cell(cell, store_history=False)
                failed.append(type(result.error_in_exec or result.error_before_exec).__name__)
        return said.getvalue(), failed

    def traced(target, kind):
        hit = []

        def tracer(frame, event, argument):
            if event != "call" or not frame.f_code.co_filename.startswith(ours):
                return None
            name = name_of(frame.f_code)
            called.setdefault(name, None)
            if name == target and not hit and "<" not in name:
                hit.append(name)
                raise KINDS[kind]("injected")
            return None

        threading.settrace(tracer)
        sys.settrace(tracer)
        try:
            yield hit
        finally:
            sys.settrace(None)
            threading.settrace(None)

    watch = contextlib.contextmanager(traced)
    called = {}
    expected = cells()
    with watch("", "RuntimeError"):
        shell.run_line_magic("reload_ext", "greencell")
        assert cells() == expected
        time.sleep(0.3)
    # What IPython and Python call themselves: nothing of ours stands above these frames.
    OUTERMOST = (
        "__init__.py", "load.py:load", "load.py:unload", "hooks.py:Hooks._pre_run_cell",
        "hooks.py:Hooks._post_run_cell", "hooks.py:Hooks._shielded", "guard.py", "sampler.py:Sampler._run",
        "hooks.py:Hooks._label", "load.py:_register_magics.<locals>",
    )
    targets = [n for n in called if "<" not in n and not n.startswith(OUTERMOST)]
    found = []
    for target in targets:
        for kind in KINDS if target.startswith("hooks.py") else ("RuntimeError",):
            said = io.StringIO()
            with watch(target, kind) as hit:
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                    try:
                        shell.run_line_magic("reload_ext", "greencell")  # threads begin traced
                    except BaseException as error:
                        found.append([target, kind, "reload", repr(error)])
                heard = cells()
            lines = said.getvalue().splitlines()
            if heard != expected:
                found.append([target, kind, "cells", repr(heard)[:500]])
            if any("Traceback" in line or "Error in callback" in line for line in lines):
                found.append([target, kind, "load", said.getvalue()[:500]])
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                shell.run_line_magic("unload_ext", "greencell")
                shell.run_line_magic("load_ext", "greencell")
            if cells() != expected:
                found.append([target, kind, "after", ""])
    print("RESULT" + json.dumps({"targets": targets, "found": found}))
"""


def inject(tmp_path: Path) -> dict[str, Any]:
    environment = os.environ | {"GREENCELL_DATA_DIR": str(tmp_path), "TZ": "Europe/Paris"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        capture_output=True, text=True, timeout=600, env=environment,
    )  # fmt: skip
    marked = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert marked, done.stdout[-1_000:] + done.stderr[-3_000:]
    result: dict[str, Any] = json.loads(marked[-1].removeprefix("RESULT"))
    return result


def test_no_failure_of_ours_reaches_a_cell(tmp_path: Path) -> None:
    """Each function in turn raises; cells are as without greencell, and so are the next ones."""
    result = inject(tmp_path)

    assert len(result["targets"]) > 120, result["targets"]
    for name in ("hooks.py", "session.py", "ledger.py", "meter.py", "keeping.py", "history"):
        assert any(name in target for target in result["targets"]), name
    summary = sorted({(t, k, where) for t, k, where, _ in result["found"]})
    assert result["found"] == [], summary
