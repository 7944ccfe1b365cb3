"""How well greencell's cells agree with a real NVIDIA GPU's energy counter.

Cells of 50 ms to 30 s with a load that begins and ends with the cell, many of each, with pauses.
The reference is the block: what the raw counter gained over all of them, less the idle power
times the pauses, divided by their number; its own ticks matter little over so long a time. Also:
the update period that was found, and what a read costs. Needs torch or cupy for a load; without
them only idle cells run. ``--simulated`` runs the same on the simulated NVML.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LENGTHS_S = (0.05, 0.12, 0.35, 1.0, 3.0, 10.0, 30.0)
BLOCK_S = 12.0
CELLS = (2, 24)
PAUSE_S = (0.4, 0.8)
IDLE_S = 5.0
READS = 200
OUT = Path(__file__).resolve().parent.parent / "docs" / "validation" / "RESULT.json"
SIMULATED_W = {"idle": 70.0, "matmul": 640.0, "copy": 330.0}
SIMULATED_UPDATE_S = 0.1

Load = Callable[[float], None]
"""Keeps the GPU busy for so many seconds and waits until it is done."""


@dataclass(frozen=True)
class Gpu:
    """What is validated.

    Attributes:
        loads: by name; ``idle`` is always there.
        nvml: the bindings.
    """

    hardware: dict[str, str]
    loads: dict[str, Load]
    nvml: Any

    def counter_j(self) -> float:
        handle = self.nvml.nvmlDeviceGetHandleByIndex(0)
        return float(self.nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", action="store_true", help="on the simulated NVML")
    parser.add_argument("--longest", type=float, default=LENGTHS_S[-1], help="cells up to this, s")
    parser.add_argument("--block", type=float, default=BLOCK_S, help="seconds of cells of a kind")
    parser.add_argument("--out", type=Path, help=f"default: {OUT}; nothing if simulated")
    options = parser.parse_args()
    lengths_s = [length_s for length_s in LENGTHS_S if length_s <= options.longest]
    with simulated_gpu() if options.simulated else real_gpu() as gpu:
        result = validate(gpu, lengths_s, options.block)
    show(result)
    out = options.out or (None if options.simulated else OUT)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n")


# -- what is validated ---------------------------------------------------------------------------


@contextlib.contextmanager
def real_gpu() -> Iterator[Gpu]:
    """The first GPU of this machine."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise SystemExit(f"no NVIDIA GPU here: {error}") from error
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)
    loads, library = _loads()
    if library == "none":
        print("neither torch nor cupy is installed: only idle cells; pip install torch")
    hardware = {
        "gpu": _text(pynvml.nvmlDeviceGetName(handle)),
        "driver": _text(pynvml.nvmlSystemGetDriverVersion()),
        "host": platform.platform(),
        "load": library,
    }
    try:
        yield Gpu(hardware, {"idle": time.sleep, **loads}, pynvml)
    finally:
        pynvml.nvmlShutdown()


@contextlib.contextmanager
def simulated_gpu() -> Iterator[Gpu]:
    """A simulated GPU whose counter ticks in real time."""
    import pynvml

    from greencell.testing import FakeNvml

    with tempfile.TemporaryDirectory() as folder:
        fake = FakeNvml(Path(folder))
        index = fake.add_gpu(SIMULATED_W["idle"], update_s=SIMULATED_UPDATE_S)
        fake.use_real_time()
        fake.install(pynvml)
        pynvml.nvmlInit()

        def load(power_w: float) -> Load:
            def run(seconds: float) -> None:
                fake.set_power(index, power_w)
                time.sleep(seconds)
                fake.set_power(index, SIMULATED_W["idle"])

            return run

        hardware = {"gpu": "Simulated GPU", "driver": "simulated", "host": "", "load": "simulated"}
        try:
            yield Gpu(hardware, {name: load(w) for name, w in SIMULATED_W.items()}, pynvml)
        finally:
            pynvml.nvmlShutdown()
            fake.uninstall(pynvml)


def _loads() -> tuple[dict[str, Load], str]:
    """Matrix products and memory copies, by what is installed."""
    try:
        import torch

        if torch.cuda.is_available():
            a = torch.randn(8192, 8192, device="cuda", dtype=torch.float16)
            b = torch.empty_like(a)
            wait = torch.cuda.synchronize
            return {
                "matmul": _repeat(lambda: torch.matmul(a, a, out=b), wait),
                "copy": _repeat(lambda: b.copy_(a), wait),
            }, f"torch {torch.__version__}"
    except ImportError:
        pass
    try:
        import cupy

        x = cupy.random.random((8192, 8192), dtype=cupy.float32)
        y = cupy.empty_like(x)
        wait = cupy.cuda.Device().synchronize
        return {
            "matmul": _repeat(lambda: cupy.matmul(x, x, out=y), wait),
            "copy": _repeat(lambda: cupy.copyto(y, x), wait),
        }, f"cupy {cupy.__version__}"
    except ImportError:
        return {}, "none"


def _repeat(work: Callable[[], Any], wait: Callable[[], Any]) -> Load:
    def run(seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            work()
            wait()

    run(0.5)  # kernels are compiled, clocks go up
    return run


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


# -- the validation ------------------------------------------------------------------------------


def validate(gpu: Gpu, lengths_s: list[float], block_s: float) -> dict[str, Any]:
    """All loads and lengths, with what was found of the counter."""
    session = _session(gpu)
    try:
        time.sleep(1.0)
        idle_w = _idle_w(gpu)
        rows = [
            _block(gpu, session, (load, length_s), block_s, idle_w)
            for load in gpu.loads
            for length_s in lengths_s
        ]
        sources = session.view(live=False).sources
        return {
            "hardware": gpu.hardware,
            "greencell": _version(),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "simulated": gpu.hardware["load"] == "simulated",
            "idle_w": idle_w,
            "update_period_s": sources[0].period_s,
            "read_cost_us": _read_cost_us(gpu),
            "rows": rows,
        }
    finally:
        session.close()


def _session(gpu: Gpu) -> Any:
    from greencell.clock import SystemClock
    from greencell.machine_time import machine_clock
    from greencell.meter import Meter
    from greencell.model import CarbonFactor, CarbonInfo
    from greencell.processes import tree_clock
    from greencell.running_session import Equipment, Session
    from greencell.sources.discovery import Places, discover

    found = discover(Places(nvml=gpu.nvml))
    sources = [one for one in found.sources if one.info.component == "gpu"][:1]
    if not sources or sources[0].info.kind != "counter":
        raise SystemExit("this GPU has no energy counter (Volta and newer have one)")
    meter = Meter(sources, tree_clock(), machine_clock(Path("/proc")), SystemClock())
    factor = CarbonFactor("FR", 41.4)
    carbon = CarbonInfo(factor, "France", "annual average", 2025, "validation", "setting")
    session = Session(Equipment(meter, found.host, found.skipped, carbon, "machine", 1.0))
    session.start()
    return session


def _idle_w(gpu: Gpu) -> float:
    begin_s, begin_j = time.monotonic(), gpu.counter_j()
    time.sleep(IDLE_S)
    return (gpu.counter_j() - begin_j) / (time.monotonic() - begin_s)


def _block(
    gpu: Gpu, session: Any, cell: tuple[str, float], block_s: float, idle_w: float
) -> dict[str, Any]:
    """Cells of one kind, each measured, and all together by the raw counter."""
    load, length_s = cell
    rng = random.Random(length_s)
    count = min(max(CELLS[0], round(block_s / length_s)), CELLS[1])
    before = len(session.cells)
    time.sleep(PAUSE_S[1])
    begin_s, begin_j, busy_s = time.monotonic(), gpu.counter_j(), 0.0
    for _ in range(count):
        opening = session.open_run("cell")
        session.begin(opening)
        cell_s = time.monotonic()
        gpu.loads[load](length_s)
        busy_s += time.monotonic() - cell_s
        session.end(opening.run, session.take(), "ok", 1)
        session.wake()
        time.sleep(rng.uniform(*PAUSE_S))
    pauses_s = time.monotonic() - begin_s - busy_s
    reference_j = (gpu.counter_j() - begin_j - idle_w * pauses_s) / count
    time.sleep(PAUSE_S[1])
    figures = [cell.energy_j for cell in session.cells[before:]]
    known = [figure for figure in figures if figure is not None]
    if not known:
        raise SystemExit(f"no {load} cell of {length_s} s could be read; run it again")
    values_j = [figure.value for figure in known]
    return {
        "load": load,
        "cell_s": length_s,
        "cells": count,
        "unknown": count - len(known),
        "reference_j": reference_j,
        "mean_j": statistics.fmean(values_j),
        "deviation": statistics.fmean(values_j) / reference_j - 1.0,
        "scatter": statistics.pstdev(values_j) / reference_j,
        "half_width": statistics.median((f.high - f.low) / 2 for f in known) / reference_j,
    }


def _read_cost_us(gpu: Gpu) -> float:
    times_us = []
    for _ in range(READS):
        begin_ns = time.perf_counter_ns()
        gpu.counter_j()
        times_us.append((time.perf_counter_ns() - begin_ns) / 1e3)
    return statistics.median(times_us)


def _version() -> str:
    import greencell

    return greencell.__version__


def show(result: dict[str, Any]) -> None:
    print(f"{result['hardware']['gpu']}, driver {result['hardware']['driver']}")
    print(f"update period {1000 * result['update_period_s']:.1f} ms, a read costs "
          f"{result['read_cost_us']:.1f} µs, idle {result['idle_w']:.1f} W")  # fmt: skip
    print(f"{'load':<8} {'cell':>8} {'n':>4} {'counter':>11} {'greencell':>11} "
          f"{'deviation':>10} {'scatter':>8} {'stated':>8}")  # fmt: skip
    for row in result["rows"]:
        print(
            f"{row['load']:<8} {row['cell_s']:>6.2f} s {row['cells']:>4} "
            f"{row['reference_j']:>9.2f} J {row['mean_j']:>9.2f} J "
            f"{100 * row['deviation']:>+9.2f}% {100 * row['scatter']:>7.2f}% "
            f"{100 * row['half_width']:>6.1f} %"
        )


if __name__ == "__main__":
    main()
