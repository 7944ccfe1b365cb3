"""What greencell costs, side by side with codecarbon and a bare pair of hooks, in one run.

Every figure is a time, a size or a share measured here and now on simulated hardware (two
sockets with memory, two GPUs), so only the ratios travel to other machines. Run: make bench.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CELLS = 400
CODECARBON_CELLS = 15
FILES = Path(__file__).resolve()
INTERVAL_S = 15.0
SETTLE_S = 11.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", help="internal: one measurement in a process of its own")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part]()))
        return
    with tempfile.TemporaryDirectory() as folder:
        report(Path(folder))


def report(folder: Path) -> None:
    tree, environment = hardware(folder)
    tree.run(0.005)  # counters that count, as real ones do
    try:
        _report(environment)
    finally:
        tree.close()


def _report(environment: dict[str, str]) -> None:
    # As installed by pip: byte code lies beside the sources. One load writes it.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    run("load", environment)
    bare = run("bare_hooks", environment)
    ours = run("greencell_hooks", environment)
    page = run("kernel_hooks", environment)
    theirs = run("codecarbon_tasks", environment)
    load, bare_load = run("load", environment), run("bare_load", environment)
    memory, bare_memory = run("memory", environment), run("bare_memory", environment)
    many = run("many_cells", environment)
    block = run("script_blocks", environment)
    background = run("background", environment)
    rows = [
        ("load, imports included", load, bare_load, "ms", 150.0),
        ("pair of hooks, median, no page", ours, bare, "ms", 0.15),
        ("pair of hooks, median, in a kernel with a page", page, bare, "ms", 0.5),
        ("measured block in a script, median", block, 0.0, "ms", None),
        ("resident memory", memory, bare_memory, "MB", 15.0),
        ("10,000th cell over the 10th", many, 1.0, "×", 1.2),
        ("background CPU, a cell running, a page", background["running"], 0.0, "%", 0.3),
        ("background CPU, idle", background["idle"], 0.0, "%", 0.05),
        ("codecarbon start_task + stop_task, median", theirs, bare, "ms", None),
    ]
    print(f"{'what':<50} {'bare':>9} {'measured':>10} {'added':>9} {'ratio':>8} {'aim':>8}")
    for name, value, base, unit, aim in rows:
        added = value if unit == "×" else value - base
        ratio = f"{value / base:.1f}" if base else "–"
        verdict = "" if aim is None else f"{aim:g}{'' if added <= aim else ' MISSED'}"
        print(
            f"{name:<50} {base:>9.4f} {value:>10.4f} "
            f"{added:>7.4f} {unit:<2} {ratio:>7} {verdict:>8}"
        )
    if theirs:
        print(f"codecarbon's task over greencell's pair of hooks: {theirs / ours:.0f} times")
        print(f"codecarbon's task over a measured block in a script: {theirs / block:.0f} times")


def hardware(folder: Path) -> tuple[Any, dict[str, str]]:
    """A tree, and the environment of processes on simulated hardware."""
    from greencell.testing import PowercapTree
    from greencell.testing.nvml import build

    tree = PowercapTree(folder / "sys")
    for socket in (0, 1):
        tree.add(f"package-{socket}", 80.0, start_uj=socket * 7_000_000_000)
        tree.add("dram", 8.0, parent=f"package-{socket}", key=f"dram-{socket}")
    build(folder)
    return tree, {
        **os.environ,
        "GREENCELL_SYSFS_ROOT": str(folder / "sys"),
        "LD_LIBRARY_PATH": str(folder),
        "FAKENVML_GPUS": "2",
        "IPYTHONDIR": str(folder / "ipython"),
    }


def run(part: str, environment: dict[str, str]) -> Any:
    """One measurement in a fresh process."""
    done = subprocess.run(
        [sys.executable, str(FILES), "--part", part],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{part} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell

    return InteractiveShell.instance()


def pair_ms(ip: Any, cells: int) -> float:
    """Median time of the two events around an empty cell."""
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

    times = []
    for count in range(cells):
        info = ExecutionInfo("pass", True, False, True, f"cell-{count}")
        result = ExecutionResult(info)
        result.execution_count = count
        began = time.perf_counter_ns()
        ip.events.trigger("pre_run_cell", info)
        ip.events.trigger("post_run_cell", result)
        times.append((time.perf_counter_ns() - began) / 1e6)
        time.sleep(0.002)
    return statistics.median(times)


def bare_hooks() -> float:
    ip = shell()
    ip.events.register("pre_run_cell", lambda _info: None)
    ip.events.register("post_run_cell", lambda _result: None)
    return pair_ms(ip, CELLS)


def greencell_hooks() -> float:
    ip = shell()
    ip.run_line_magic("load_ext", "greencell")
    return pair_ms(ip, CELLS)


def in_kernel(code: str) -> str:
    """The text that code prints in a real kernel with a listener."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel()
    printed: list[str] = []

    def hook(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    try:
        client.execute_interactive(code, output_hook=hook, timeout=300)
        return "".join(printed)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def kernel_hooks() -> float:
    code = (
        f"import sys; sys.path.insert(0, {str(FILES.parent)!r})\n"
        "get_ipython().run_line_magic('load_ext', 'greencell')\n"
        "import overhead\n"
        f"print('RESULT', overhead.pair_ms(get_ipython(), {CELLS}))\n"
    )
    return float(in_kernel(code).split("RESULT")[1].split()[0])


def codecarbon_tasks() -> float:
    """Median of a task's start and stop; 0 if codecarbon is not installed."""
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        return 0.0
    tracker = OfflineEmissionsTracker(
        country_iso_code="FRA", save_to_file=False, log_level="critical", allow_multiple_runs=True
    )
    times = []
    for count in range(CODECARBON_CELLS):
        began = time.perf_counter_ns()
        tracker.start_task(f"task-{count}")
        tracker.stop_task(f"task-{count}")
        times.append((time.perf_counter_ns() - began) / 1e6)
    return statistics.median(times)


def script_blocks() -> float:
    """Median of a measured block in a plain script, after the first."""
    import greencell

    times = []
    for _ in range(CELLS):
        began = time.perf_counter_ns()
        with greencell.measure("block"):
            pass
        times.append((time.perf_counter_ns() - began) / 1e6)
        time.sleep(0.002)
    return statistics.median(times)


def bare_load() -> float:
    ip = shell()
    began = time.perf_counter_ns()
    ip.run_line_magic("load_ext", "storemagic")
    return (time.perf_counter_ns() - began) / 1e6


def load() -> float:
    ip = shell()
    ip.run_line_magic("load_ext", "storemagic")
    began = time.perf_counter_ns()
    ip.run_line_magic("load_ext", "greencell")
    return (time.perf_counter_ns() - began) / 1e6


def resident_mb() -> float:
    import gc

    import psutil

    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


def bare_memory() -> float:
    ip = shell()
    ip.run_line_magic("load_ext", "storemagic")
    import ipykernel.kernelbase  # what every kernel holds anyway  # noqa: F401

    return resident_mb()


def memory() -> float:
    ip = shell()
    ip.run_line_magic("load_ext", "storemagic")
    import ipykernel.kernelbase  # noqa: F401

    ip.run_line_magic("load_ext", "greencell")
    pair_ms(ip, 50)
    return resident_mb()


def many_cells() -> float:
    """How much dearer cells 9,900 to 10,000 are than cells 10 to 110."""
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

    ip = shell()
    ip.run_line_magic("load_ext", "greencell")
    times = []
    for count in range(10_000):
        info = ExecutionInfo("pass", True, False, True, f"cell-{count}")
        began = time.perf_counter_ns()
        ip.events.trigger("pre_run_cell", info)
        ip.events.trigger("post_run_cell", ExecutionResult(info))
        times.append((time.perf_counter_ns() - began) / 1e6)
        time.sleep(0.0005)
    return statistics.median(times[-100:]) / statistics.median(times[10:110])


def background() -> dict[str, float]:
    """CPU time of a kernel's threads beyond a bare kernel's, in percent of a core."""
    code = """
import time
def share(seconds):
    began, cpu = time.perf_counter(), time.process_time()
    time.sleep(seconds)
    return 100 * (time.process_time() - cpu) / (time.perf_counter() - began)
{load}
time.sleep({settle})
print('RESULT', share({seconds}))
"""
    loading = "get_ipython().run_line_magic('load_ext', 'greencell')"
    hooks = (
        f"{loading}\nfrom IPython.core.interactiveshell import ExecutionInfo\n"
        "get_ipython().events.trigger('pre_run_cell', ExecutionInfo('x', True, False, True, 'c'))"
    )
    measure: Callable[[str], float] = lambda load: float(  # noqa: E731
        in_kernel(code.format(load=load, settle=SETTLE_S, seconds=INTERVAL_S))
        .split("RESULT")[1]
        .split()[0]
    )
    bare = measure("")
    return {"running": measure(hooks) - bare, "idle": measure(loading) - bare}


PARTS: dict[str, Callable[[], Any]] = {
    part.__name__: part
    for part in (
        bare_hooks, greencell_hooks, kernel_hooks, codecarbon_tasks, load, bare_load, memory,
        bare_memory, many_cells, background, script_blocks,
    )
}  # fmt: skip

if __name__ == "__main__":
    main()
