"""How right greencell is: cells of known energy side by side with others, and honest intervals.

Part one runs in real time on simulated hardware (a RAPL counter that ticks every 1 ms, a GPU
counter that ticks every 100 ms) with greencell, codecarbon and zeus, one process each, the same
cells for all. A cell's truth is what was drawn between the return of the tool's own begin and the
call of its own end, so nobody is charged for what its calls cost. Part two is in virtual time:
random sessions with neighbours, faults and a held interpreter, and the share of stated intervals
that hold the truth. Run: make bench.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve()
RAPL_CELLS = {0.01: 40, 0.1: 30, 1.0: 9, 10.0: 3}
RAPL_AIMS = {0.01: 0.02, 0.1: 0.005, 1.0: 0.001, 10.0: 0.0005}
GPU_CELLS = {0.05: 24, 0.12: 24, 0.35: 20, 2.0: 8}
GPU_AIMS = {0.05: 0.05, 0.12: 0.02, 0.35: 0.02, 2.0: 0.005}
GPU_UPDATE_S = 0.1
HOPPER = 9
BETTER_BY, BETTER_UP_TO_S = 10.0, 0.35
IDLE_W, CELL_W = 20.0, (40.0, 150.0)
GPU_IDLE_W, GPU_CELL_W = 70.0, 640.0
PAUSE_S = (0.25, 0.6)
SPIN_S = 0.002
SCENARIOS = 2_000
COVERAGE_AIM = (0.95, 0.99)
HALF_WIDTH_AIM = 0.06


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("rapl", "gpu"), help="internal: one tool, one process")
    parser.add_argument("--tool")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="a quarter of the cells")
    parser.add_argument("--scenarios", type=int, default=SCENARIOS)
    parser.add_argument("--json", type=Path, help="write all figures there")
    options = parser.parse_args()
    if options.part:
        part = rapl_part if options.part == "rapl" else gpu_part
        print(json.dumps(part(options.tool, options.folder, quick=options.quick)))
        return
    figures = {
        "rapl": side_by_side("rapl", quick=options.quick),
        "gpu": side_by_side("gpu", quick=options.quick),
        "coverage": coverage(options.scenarios),
    }
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


# -- part one: real time -------------------------------------------------------------------------


def side_by_side(part: str, *, quick: bool) -> dict[str, Any]:
    """All tools on one kind of hardware, and a table."""
    from accuracy_tools import TOOLS

    tools = [name for name in TOOLS if importlib.util.find_spec(name)]
    results: dict[str, Any] = {}
    for tool in tools:
        with tempfile.TemporaryDirectory() as folder:
            results[tool] = _run_part(part, tool, folder, quick=quick)
    aims = RAPL_AIMS if part == "rapl" else GPU_AIMS
    what = "RAPL, 1 ms" if part == "rapl" else f"GPU, {GPU_UPDATE_S * 1000:.0f} ms"
    print(f"\n{what}: relative error of a cell, median / 90th percentile")
    print(f"{'cell':>8}" + "".join(f"{tool:>22}" for tool in tools) + f"{'aim':>16}")
    for length_s, aim in aims.items():
        print(_row(part, length_s, aim, results, tools))
    if part == "rapl":
        late = max(results[tool]["late_ticks"] for tool in tools)
        print(f"ticks written more than 0.2 ms late: {100 * late:.2f} % at most")
    return results


def _run_part(part: str, tool: str, folder: str, *, quick: bool) -> Any:
    command = [sys.executable, str(FILE), "--part", part, "--tool", tool, "--folder", folder]
    done = subprocess.run(
        [*command, *(["--quick"] if quick else [])], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{part} with {tool} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _row(part: str, length_s: float, aim: float, results: dict[str, Any], tools: list[str]) -> str:
    medians = {tool: results[tool]["cells"][str(length_s)]["median"] for tool in tools}
    row = f"{length_s * 1000:>5.0f} ms"
    for tool in tools:
        cells = results[tool]["cells"][str(length_s)]
        row += f"{100 * cells['median']:>11.3f} /{100 * cells['p90']:>8.3f}%"
    ours = medians["greencell"]
    verdict = "" if ours <= aim else " MISSED"
    peers = [median for tool, median in medians.items() if tool != "greencell"]
    if part == "gpu" and length_s <= BETTER_UP_TO_S and peers:
        ratio = min(peers) / max(ours, 1e-9)
        verdict += f", best peer {ratio:.0f}×" + ("" if ratio >= BETTER_BY else " MISSED")
    return f"{row}   <= {100 * aim:g} %{verdict}"


@dataclass(frozen=True)
class Bench:
    """Hardware whose power is set by hand and whose energy is known.

    Attributes:
        cell_w: the power of the next cell.
        set_power: draws another power from now on, and returns when that is in ns.
        true_j: the exact energy between two such moments.
    """

    idle_w: float
    cell_w: Callable[[], float]
    set_power: Callable[[float], int]
    true_j: Callable[[int, int], float]


def rapl_part(tool_name: str, folder: Path, *, quick: bool) -> dict[str, Any]:
    """Cells on a simulated package."""
    import pynvml
    from accuracy_tools import make
    from simulated_rapl import RealTimeRapl

    rng = random.Random(1)
    with contextlib.closing(RealTimeRapl(folder / "sys", IDLE_W)) as rapl:
        time.sleep(0.05)
        bench = Bench(IDLE_W, lambda: rng.uniform(*CELL_W), rapl.set_power, rapl.true_j)
        tool = make(tool_name, "cpu", folder / "sys", pynvml)
        cells = run_cells(tool, _plan(RAPL_CELLS, rng, quick=quick), bench, rng)
        return {"cells": cells, "late_ticks": rapl.late_ticks}


def gpu_part(tool_name: str, folder: Path, *, quick: bool) -> dict[str, Any]:
    """Cells on a simulated GPU."""
    import pynvml
    from accuracy_tools import dummy_nvidia_smi, make

    from greencell.testing import FakeNvml

    dummy_nvidia_smi(folder)
    fake = FakeNvml(folder)
    gpu = fake.add_gpu(GPU_IDLE_W, update_s=GPU_UPDATE_S)
    fake.set_architecture(gpu, HOPPER, (9, 0))
    fake.use_real_time()
    fake.install(pynvml)
    energies_j: dict[int, float] = {}

    def set_power(power_w: float) -> int:
        fake.set_power(gpu, power_w)
        now_ns = time.monotonic_ns()
        energies_j[now_ns] = fake.true_j(gpu)
        return now_ns

    def true_j(begin_ns: int, end_ns: int) -> float:
        return energies_j[end_ns] - energies_j[begin_ns]

    rng = random.Random(2)
    bench = Bench(GPU_IDLE_W, lambda: GPU_CELL_W, set_power, true_j)
    tool = make(tool_name, "gpu", None, pynvml)
    return {"cells": run_cells(tool, _plan(GPU_CELLS, rng, quick=quick), bench, rng)}


def _plan(cells: dict[float, int], rng: random.Random, *, quick: bool) -> list[float]:
    """The lengths of all cells, in random order."""
    plan = [
        length_s
        for length_s, count in cells.items()
        for _ in range(max(2, count // 4) if quick else count)
    ]
    rng.shuffle(plan)
    return plan


def run_cells(
    tool: Any, plan: list[float], bench: Bench, rng: random.Random
) -> dict[str, dict[str, Any]]:
    """Run all cells; by length, the distribution of the relative error."""
    spans = []
    for length_s in plan:
        time.sleep(rng.uniform(*PAUSE_S))
        tool.begin()
        begin_ns = bench.set_power(bench.cell_w())
        _pass(begin_ns, length_s)
        end_ns = bench.set_power(bench.idle_w)
        tool.end()
        spans.append((length_s, begin_ns, end_ns))
    errors: dict[str, list[float]] = defaultdict(list)
    for (length_s, begin_ns, end_ns), energy_j in zip(spans, tool.energies_j(), strict=True):
        truth_j = bench.true_j(begin_ns, end_ns)
        errors[str(length_s)].append((energy_j - truth_j) / truth_j)
    return {
        key: {
            "median": statistics.median(map(abs, values)),
            "p90": sorted(map(abs, values))[min(len(values) - 1, int(0.9 * len(values)))],
            "errors": values,
        }
        for key, values in errors.items()
    }


def _pass(begin_ns: int, seconds: float) -> None:
    """Sleep, and spin at the end, so that the cell's length is exact."""
    end_ns = begin_ns + int(seconds * 1e9)
    time.sleep(max(0.0, seconds - SPIN_S))
    while time.monotonic_ns() < end_ns:
        pass


# -- part two: virtual time ----------------------------------------------------------------------


def coverage(count: int) -> dict[str, Any]:
    """Random sessions, and how often the stated intervals hold the truth."""
    from concurrent.futures import ProcessPoolExecutor

    sys.path.insert(0, str(FILE.parent.parent / "tests"))
    import scenarios

    with ProcessPoolExecutor(initializer=sys.path.insert, initargs=(0, sys.path[0])) as pool:
        outcomes = list(pool.map(scenarios.simulate, range(count), chunksize=20))
    summary = scenarios.summarise(outcomes)
    print(f"\nCoverage over {count} random sessions, aim {COVERAGE_AIM[0]:.0%} to "
          f"{COVERAGE_AIM[1]:.0%}")  # fmt: skip
    print(f"{'kind':<12} {'cells':>7} {'covered':>9} {'sessions':>9} {'covered':>9}")
    for kind, row in summary["kinds"].items():
        sessions = f"{row['sessions']:>9} {_share(row['sessions_covered'])}"
        print(f"{kind:<12} {row['cells']:>7} {_share(row['covered'])} {sessions}")
    bounds = summary["bounds"]
    print(f"{'flagged: >=':<12} {bounds['cells']:>7} {_share(bounds['covered'])}")
    width = summary["median_half_width"]
    missed = "" if width <= HALF_WIDTH_AIM else " MISSED"
    print(
        f"median half width of measured cells of 1 s and more: {100 * width:.1f} %"
        f"   <= {100 * HALF_WIDTH_AIM:g} %{missed}"
    )
    by_kind = ", ".join(f"{k} {100 * w:.1f} %" for k, w in summary["half_widths"].items())
    print(f"   by kind: {by_kind}; with nothing but the stated gain of the sensors uncertain, all "
          f"{100 * summary['gain_half_width']:.1f} %")  # fmt: skip
    broken = summary["violations"]
    print(f"sums that do not hold: {broken}   0{'' if broken == 0 else ' MISSED'}")
    return summary


def _share(value: float | None) -> str:
    if value is None:
        return f"{'–':>9}"
    low, high = COVERAGE_AIM
    mark = "" if low <= value <= high else ("↓" if value < low else "↑")
    return f"{100 * value:>7.1f}%{mark or ' '}"


if __name__ == "__main__":
    main()
