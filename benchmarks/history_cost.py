"""What the history costs a cell: hooks with it and without, and while the disk hangs.

Median and 99th percentile of a cell that does nothing, in processes of their own, one after
another and in turns, eleven times: of three the ratio swings from 1.06 to 1.37.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile

CELLS, ROUNDS = 1_500, 11
PROGRAM = """
import json, sys, threading, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
if HANGS:
    import greencell.history.recorder as recorder
    gate, real = threading.Event(), recorder.open_database
    recorder.open_database = lambda *a: gate.wait(30.0) and real(*a)
shell.run_line_magic("load_ext", "greencell")
events = shell.events
hooks = {name: events.callbacks[name][-1] for name in ("pre_run_cell", "post_run_cell")}
class Info:
    cell_id, raw_cell = "c", "pass"
class Result:
    error_in_exec = error_before_exec = None
    execution_count = 1
took = []
for _ in range(CELLS):
    info, result = Info(), Result()
    result.info = info
    began = time.perf_counter()
    hooks["pre_run_cell"](info)
    hooks["post_run_cell"](result)
    took.append(time.perf_counter() - began)
    time.sleep(0.001)
took.sort()
print("RESULT" + json.dumps([took[len(took) // 2], took[len(took) * 99 // 100]]))
"""
KINDS = {
    "without a history": ("off", False),
    "with a history": ("on", False),
    "with a disk that hangs": ("on", True),
}


def main() -> None:
    """Take turns, and print the medians of the rounds."""
    found: dict[str, list[list[float]]] = {name: [] for name in KINDS}
    for _ in range(ROUNDS):
        for name, (history, hangs) in KINDS.items():
            with tempfile.TemporaryDirectory() as folder:
                environment = os.environ | {
                    "GREENCELL_DATA_DIR": folder, "GREENCELL_HISTORY": history,
                }  # fmt: skip
                done = subprocess.run(
                    [sys.executable, "-c", f"CELLS, HANGS = {CELLS}, {hangs}\n" + PROGRAM],
                    capture_output=True, text=True, check=True, env=environment,
                )  # fmt: skip
            line = next(one for one in done.stdout.splitlines() if one.startswith("RESULT"))
            found[name].append(json.loads(line.removeprefix("RESULT")))
    bare_s = statistics.median(median for median, _ in found["without a history"])
    print(f"{'pair of hooks':<24} {'median':>10} {'99 %':>10}   ratio of medians")
    for name, rounds in found.items():
        median_s, high_s = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = median_s / bare_s
        print(f"{name:<24} {1e3 * median_s:>7.3f} ms {1e3 * high_s:>7.3f} ms   {ratio:.2f}")


if __name__ == "__main__":
    main()
