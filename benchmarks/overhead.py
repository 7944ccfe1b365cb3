"""What greencell costs, side by side with codecarbon and bare kernels, in one run.

Every figure is a time, a size or a share measured here and now on simulated hardware (two
sockets with memory, two GPUs), so only the ratios travel to other machines. What it measured goes
into results/overhead.json, and from there into the README's table. Run: make bench.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import costs_table
import outside

CELLS = 400
ROUNDS = 3
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
    rounds = [{name: run(name, environment) for name in HOOKS} for _ in range(ROUNDS)]
    pair = {key: statistics.median(each[name] for each in rounds) for name, key in HOOKS.items()}
    if not pair["codecarbon"]:
        sys.exit("needs codecarbon: make bench brings it")
    loads = [run("load", environment) for _ in range(ROUNDS)]
    costs: costs_table.Costs = {
        "pair_ms": pair,
        "pass_cell_ms": run("pass_cell", environment),
        "load_ms": statistics.median(load["ms"] for load in loads),
        "modules": loads[0]["modules"],
        "memory_mb": run("memory", environment) - run("bare_memory", environment),
        "background_percent": run("background", environment),
        "many_cells": run("many_cells", environment),
        "block_ms": run("script_blocks", environment),
        "machine": f"{os.cpu_count()} CPUs ({platform.system()})",
        "python": platform.python_version(),
        "codecarbon": metadata.version("codecarbon"),
        "date": time.strftime("%Y-%m-%d"),
    }
    costs_table.RESULTS.parent.mkdir(exist_ok=True)
    costs_table.RESULTS.write_text(json.dumps(costs, indent=2) + "\n", encoding="utf-8")
    costs_table.main()
    print(json.dumps(costs, indent=2))
    print(costs_table.table(costs))


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


def kernel_hooks(page: bool) -> float:
    """In a real kernel, from the cell that loads greencell: no other cell is around the pairs."""
    code = (
        f"import sys, time; sys.path.insert(0, {str(FILES.parent)!r})\n"
        f"{outside.LOAD}"
        "import overhead\n"
        f"print({outside.READY!r}, flush=True); time.sleep(1)\n"
        f"print('RESULT', overhead.pair_ms(get_ipython(), {CELLS}))\n"
    )
    return outside.in_kernel(code, page)


def kernel_hooks_alone() -> float:
    return kernel_hooks(page=False)


def kernel_hooks_with_page() -> float:
    return kernel_hooks(page=True)


def pass_cell() -> dict[str, float]:
    return outside.pass_cells(CELLS)


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


def load() -> dict[str, float]:
    """In a fresh kernel: how long it takes, and how many modules of ours come with it."""
    code = (
        "import sys, time\n"
        "began = time.perf_counter_ns()\n"
        f"{outside.LOAD}"
        "ended = time.perf_counter_ns()\n"
        "ours = sum(name.split('.')[0] == 'greencell' for name in sys.modules)\n"
        "print('RESULT', (ended - began) / 1e6, ours)"
    )
    kernel = outside.Outside()
    try:
        ms, modules = kernel.text(code).split("RESULT")[1].split()[:2]
    finally:
        kernel.close()
    return {"ms": float(ms), "modules": int(modules)}


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
print({ready!r}, flush=True)
time.sleep({settle})
print('RESULT', share({seconds}))
"""
    cell = (
        f"{outside.LOAD}from IPython.core.interactiveshell import ExecutionInfo\n"
        "get_ipython().events.trigger('pre_run_cell', ExecutionInfo('x', True, False, True, 'c'))"
    )

    def measure(load: str, page: bool) -> float:
        filled = code.format(load=load, ready=outside.READY, settle=SETTLE_S, seconds=INTERVAL_S)
        return outside.in_kernel(filled, page)

    bare = measure("", page=False)
    return {
        "running": measure(cell, page=True) - bare,
        "idle": measure(outside.LOAD, page=True) - bare,
    }


HOOKS = {
    "bare_hooks": "bare", "kernel_hooks_alone": "no_page", "kernel_hooks_with_page": "page",
    "codecarbon_tasks": "codecarbon",
}  # fmt: skip
PARTS: dict[str, Callable[[], Any]] = {
    part.__name__: part
    for part in (
        bare_hooks, kernel_hooks_alone, kernel_hooks_with_page, codecarbon_tasks, pass_cell, load,
        memory, bare_memory, many_cells, script_blocks, background,
    )
}  # fmt: skip

if __name__ == "__main__":
    main()
