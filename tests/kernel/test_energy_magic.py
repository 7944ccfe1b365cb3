"""%energy in a real kernel, on a simulated powercap tree in real time, against its truth."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from greencell.testing import PowercapTree

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]
POWER_W = 40.0
STATEMENT = "import time; t = time.perf_counter() + 0.001\nwhile time.perf_counter() < t: pass"
NAMES = "sorted(name for name in globals() if not re.match(r'_|In$|Out$', name))"


@pytest.fixture
def kernel(start_kernel: Start, tmp_path: Path) -> Iterator[Any]:
    tree = PowercapTree(tmp_path / "sys")
    tree.add("package-0", POWER_W)
    tree.run()
    yield start_kernel(GREENCELL_SYSFS_ROOT=str(tmp_path / "sys"), GREENCELL_ATTRIBUTION="machine")
    tree.close()


def told(run: Any) -> str:
    """What was printed, with plain spaces."""
    return str(run.text).replace("\u202f", " ")


def value(kernel: Any, expression: str) -> float:
    return float(kernel.run(expression).text)


def test_a_statement_of_a_millisecond_costs_what_the_hardware_drew(kernel: Any) -> None:
    """40 W times its duration, within 10 %, in two lines; it is in no cell sum twice."""
    kernel.run("import re; r = get_ipython().run_cell_magic")
    run = kernel.run(f"found = r('energy', '-o --gross', {STATEMENT!r})")

    figure, context = told(run).splitlines()
    assert re.fullmatch(
        r"\d+(\.\d)? mJ per run \(95 % interval [\d.]+ to [\d.]+ mJ; \d+ legs of [\d,]+ runs, "
        r"idle power not subtracted; measured: rapl\)",
        figure,
    ), figure
    # ± 6 or 10 %, by who made the processor here.
    assert re.search(r"The meter's own error, about ± (6|10) %, is not in this interval", context)
    duration_s = value(kernel, "found.duration_s")
    energy_j = value(kernel, "found.energy_j")
    assert 0.0009 < duration_s < 0.01
    assert energy_j == pytest.approx(POWER_W * duration_s, rel=0.1)
    assert value(kernel, "found.runs") * duration_s >= 0.1  # half a leg: others may run here
    totals, cells = kernel.document()["totals"], kernel.document()["cells"]
    assert all(cell["parent"] is None for cell in cells)
    assert totals["cells_energy_kwh"] == pytest.approx(sum(c["energy_kwh"] for c in cells))


def test_what_is_no_more_than_idle_gets_a_bound(kernel: Any) -> None:
    """The tree draws 40 W whatever runs, so nothing is above idle, and that is said."""
    run = kernel.run("%energy -r 8 pass")

    figure, _ = told(run).splitlines()
    assert figure.startswith("below what can be told: < ")
    assert "8 legs of" in figure and "idle 40 W subtracted; measured: rapl" in figure
    assert run.reply["content"]["status"] == "ok"


def test_the_line_form_leaves_no_trace_and_returns_only_if_asked(kernel: Any) -> None:
    """No variable, no Out; with -o the result, whose text is the figure."""
    kernel.run("import re, time")
    kernel.run("x = 1")
    before = kernel.run(NAMES).text
    quiet = kernel.run("%energy -n 10 -r 2 --gross x = 7; y = x; time.sleep(0.001)")
    given = kernel.run("%energy -o -n 10 -r 2 --gross time.sleep(0.001)")

    assert [kind for kind, _ in quiet.visible] == ["stdout"]
    assert [kind for kind, _ in given.visible] == ["stdout", "execute_result"]
    assert re.search(r"<energy: [\d.]+ mJ per run \(", told(given))
    assert kernel.run(NAMES).text == before
    assert kernel.run("x").text == "1"


def test_the_cell_form_takes_its_first_line_as_setup(kernel: Any) -> None:
    """As in %%timeit."""
    run = kernel.run("%%energy -n 5 -r 2 --gross import time; wait = 0.01\ntime.sleep(wait)")

    assert "2 legs of 5 runs" in told(run)
    assert kernel.run("'wait' in globals()").text == "False"


def test_an_error_is_shown_as_ipython_shows_it(kernel: Any) -> None:
    """The user's exception, nothing printed by us, no frame of ours; the next cell is measured."""
    run = kernel.run("def f():\n    return 1 / 0\n%energy f()")
    (error,) = [m["content"] for m in run.messages if m["msg_type"] == "error"]
    syntax = kernel.run("%energy def (")

    assert error["ename"] == "ZeroDivisionError"
    assert "greencell/" not in "".join(error["traceback"])
    assert [kind for kind, _ in run.visible] == ["error"]
    assert [m["content"]["ename"] for m in syntax.messages if m["msg_type"] == "error"] == [
        "SyntaxError"
    ]
    kernel.run("1 + 1", cell_id="after")
    assert kernel.document()["cells"][-1]["cell_id"] == "after"


def test_an_interrupt_stops_it(kernel: Any) -> None:
    """As it stops any cell, in the middle of a leg; the session goes on."""
    sent = kernel.send("import time\n%energy --gross time.sleep(0.01)", cell_id="stopped")
    kernel.drain(1.5)
    kernel.manager.interrupt_kernel()
    reply = kernel.client.get_shell_msg(timeout=20)
    assert reply["parent_header"]["msg_id"] == sent
    assert reply["content"]["ename"] == "KeyboardInterrupt"

    kernel.run("1 + 1", cell_id="after")
    cells = {cell["cell_id"]: cell for cell in kernel.document()["cells"]}
    assert cells["stopped"]["status"] == "interrupted"
    assert cells["after"]["status"] == "ok" and cells["after"]["flags"] in ([], ["too-short"])


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("%energy", "Nothing to measure"),
        ("%%energy\n# nothing", "Nothing to measure"),
        ("%energy -n many pass", "-n takes a whole number"),
        ("%energy --fast pass", "Unknown option '--fast'"),
        ("%greencell pause\n%energy pass", "paused"),
    ],
)
def test_a_mistake_is_one_line(kernel: Any, code: str, says: str) -> None:
    """It names what is wrong, and is no error."""
    run = kernel.run(code)

    *_, line = told(run).splitlines()
    assert line.startswith("greencell: ") and says in line
    assert run.reply["content"]["status"] == "ok"


def test_without_a_meter_it_says_estimated(start_kernel: Start, tmp_path: Path) -> None:
    """A model: proportional to CPU time, and so said."""
    (tmp_path / "sys").mkdir()
    kernel = start_kernel(GREENCELL_SYSFS_ROOT=str(tmp_path / "sys"), GREENCELL_CPU_TDP_W="65")
    run = kernel.run("%energy -r 6 sum(range(20_000))")

    figure, context = told(run).splitlines()
    assert figure.startswith("≈ ") and "estimated: cpu" in figure
    assert context.startswith("Estimated: the figure is proportional to CPU time")


def test_unloading_removes_it(kernel: Any) -> None:
    """Both forms; loading brings them back."""
    there = "[k for k, v in get_ipython().magics_manager.magics.items() if 'energy' in v]"
    assert kernel.run(there).text == "['line', 'cell']"
    kernel.run("%unload_ext greencell")
    assert kernel.run(there).text == "[]"
    kernel.run("%load_ext greencell")
    assert kernel.run(there).text == "['line', 'cell']"


def test_it_works_in_a_plain_terminal(tmp_path: Path) -> None:
    """IPython without a kernel."""
    lines = [
        "%load_ext greencell",
        "%energy -n 100 -r 2 --gross sum(range(100))",
        "%unload_ext greencell",
    ]
    script = "; ".join(
        f"get_ipython().run_line_magic(*{line[1:].split(' ', 1)!r})" for line in lines
    )
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--simple-prompt", "-c", script],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "IPYTHONDIR": str(tmp_path), "TZ": "Europe/Paris"},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "2 legs of 100 runs" in done.stdout
