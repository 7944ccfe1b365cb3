"""What `%load_ext greencell` imports: what the first cell needs, and the rest when it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

MOST_MODULES = 60
PROGRAM = """
    import json, sys
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    said = {}

    def ours(name):
        said[name] = sorted(m for m in sys.modules if m.partition(".")[0] == "greencell")

    import greencell
    ours("imported")
    shell = InteractiveShell.instance()
    before = set(sys.modules)
    with capture_output():
        shell.run_line_magic("load_ext", "greencell")
    ours("loaded")
    heavy = {"sqlite3", "psutil", "jinja2", "pynvml", "ctypes", "statistics", "decimal", "subprocess", "difflib"}
    said["heavy"] = sorted(heavy & set(sys.modules) - before)
    callable(greencell.measure), callable(greencell.session)
    ours("interface")
    said["session"] = type(greencell.session()).__name__
    shell.run_cell("x = sum(range(10**6))")
    extension = shell._greencell_extension
    extension.history.opened()
    ours("cell")
    with capture_output():
        for command in ("", "zone", "footprint", "status", "sources", "statement model-card"):
            shell.run_line_magic("greencell", command)
    ours("used")
    said["cells"] = len(greencell.session().cells)
    shell.run_line_magic("unload_ext", "greencell")
    print(json.dumps(said))
"""


def loaded(tmp_path: Path) -> dict[str, Any]:
    """The modules of greencell in a fresh process, after each step."""
    environment = os.environ | {
        "GREENCELL_DATA_DIR": str(tmp_path / "data"),
        "GREENCELL_SYSFS_ROOT": str(tmp_path),  # a machine without meters
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "TZ": "Europe/Paris",
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_loading_imports_what_the_first_cell_needs(tmp_path: Path) -> None:
    """Few rooms at load, no large library; each other room with its first use, and all work."""
    said = loaded(tmp_path)

    assert len(said["imported"]) <= 3
    assert len(said["loaded"]) <= MOST_MODULES
    assert said["heavy"] == []
    assert "greencell.api" in said["interface"]
    assert said["session"] == "Session"
    # A cell brings the history and nothing that only somebody who asks needs.
    more = set(said["cell"]) - set(said["interface"])
    assert "greencell.history.recorder" in more
    rooms = ("greencell.history", "greencell.late", "greencell.report.shape")
    assert {name for name in more if not name.startswith(rooms)} == set()
    assert {"greencell.magics", "greencell.report.html_format"} <= set(said["used"]) - set(
        said["cell"]
    )
    assert said["cells"] == 1


FORKED = """
    import importlib, os, sys, threading, time
    from greencell.late import imported_late

    begun = threading.Event()
    sys.path.insert(0, {folder!r})
    sys.begun = begun
    thread = threading.Thread(target=imported_late, args=[lambda: importlib.import_module("slow_room")])
    thread.start()
    begun.wait(20.0)
    child = os.fork()
    if child == 0:
        import slow_room
        imported_late(lambda: importlib.import_module("colorsys"))
        os._exit(7)
    thread.join()
    end_s = time.monotonic() + 20.0
    while time.monotonic() < end_s:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            print("child ended with", os.waitstatus_to_exitcode(status))
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        print("child hangs")
    imported_late(lambda: print("parent goes on"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_child_that_is_forked_while_a_thread_imports_can_import_the_same(tmp_path: Path) -> None:
    """The fork waits for the import; else the child would wait for a thread that it has not."""
    (tmp_path / "slow_room.py").write_text("import sys, time\nsys.begun.set()\ntime.sleep(0.5)\n")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORKED).format(folder=str(tmp_path))],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["child ended with 7", "parent goes on"], done.stderr


def test_nothing_that_is_exported_bears_the_name_of_a_module() -> None:
    """A module that is imported late would take the place of the function of its name."""
    import greencell

    folder = Path(greencell.__file__).parent
    rooms = {path.stem for path in (*folder.glob("*.py"), *folder.glob("*/"))}
    assert rooms.isdisjoint(greencell.__all__)
    assert set(greencell.__all__) <= set(dir(greencell))
    assert [name for name in greencell.__all__ if getattr(greencell, name, None) is None] == []
    try:
        greencell.no_such_name  # type: ignore[attr-defined]  # noqa: B018
    except AttributeError as error:
        assert "no_such_name" in str(error)
    else:
        raise AssertionError
