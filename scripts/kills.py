"""Kills processes that measure, at random moments, and counts what their history lost.

    make kills KILLS_ARGS="--kills 1000"

A cell that ended a second before the kill must be there, once, and finished; one that was open
for two seconds must be there as lost. The file must be sound after every kill. Several processes
write the same file at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from greencell.clock import SystemClock
from greencell.history.process import this_process
from greencell.history.recorder import Recorder

COMMITTED_S = 1.0
LOST_S = 2.0
WORKER = """
    import random, sys, time
    from IPython.core.interactiveshell import InteractiveShell
    rng = random.Random(int(sys.argv[1]))
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "greencell")
    import greencell
    print("session", greencell.session().id, flush=True)
    number = 0
    while True:
        number += 1
        print("begin", number, time.time(), flush=True)
        shell.run_cell(f"import time; time.sleep({rng.choice([0, 0, 0.01, 0.1, 0.3, 4.0])})")
        print("end", number, time.time(), flush=True)
"""


@dataclass
class Victim:
    """What a killed process said of itself."""

    session: str
    begun: dict[int, float]
    ended: dict[int, float]
    killed_at: float


def main() -> int:
    """Kill, then compare; 1 if anything was lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        victims: list[Victim] = []
        while len(victims) < options.kills:
            count = min(options.at_once, options.kills - len(victims))
            seeds = [(rng.randrange(1 << 30), rng.uniform(0.0, 5.0)) for _ in range(count)]
            victims += _round(Path(folder), seeds)
            if _pragma(Path(folder), "integrity_check") != "ok":
                print(f"the file is damaged after {len(victims)} kills (seed {options.seed})")
                return 1
        _bury(Path(folder))
        problems = [line for victim in victims for line in _compare(Path(folder), victim)]
        cells = sum(len(victim.ended) for victim in victims)
        print(f"{len(victims)} kills, {cells} cells that ended, {len(problems)} problems")
        print("\n".join(problems[:20]))
        return 1 if problems else 0


def _round(folder: Path, seeds: list[tuple[int, float]]) -> list[Victim]:
    environment = os.environ | {"GREENCELL_DATA_DIR": str(folder), "GREENCELL_HISTORY": "on"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WORKER), str(seed)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )
        for seed, _ in seeds
    ]  # fmt: skip
    victims = [Victim("", {}, {}, 0.0) for _ in seeds]
    threads = [
        threading.Thread(target=_kill, args=(process, victim, after_s))
        for process, victim, (_, after_s) in zip(started, victims, seeds, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return victims


def _kill(process: subprocess.Popen[str], victim: Victim, after_s: float) -> None:
    assert process.stdout is not None

    def strike() -> None:
        victim.killed_at = time.time()
        process.send_signal(signal.SIGKILL)

    timer: threading.Timer | None = None
    for line in process.stdout:
        words = line.split()
        if words[:1] == ["session"]:
            victim.session = words[1]
            timer = threading.Timer(after_s, strike)
            timer.start()
        elif words[:1] == ["begin"] and len(words) == 3:
            victim.begun[int(words[1])] = float(words[2])
        elif words[:1] == ["end"] and len(words) == 3:
            victim.ended[int(words[1])] = float(words[2])
    process.wait()
    if timer is not None:
        timer.join()


def _bury(folder: Path) -> None:
    """What the next kernel does: it marks the dead as lost."""
    recorder = Recorder(folder / "history.sqlite3", this_process(), SystemClock(), list)
    recorder.start()
    end_s = time.monotonic() + 30.0
    while _pragma(folder, "user_version") and time.monotonic() < end_s:
        if not _rows(folder, "select id from session where state = 'running'"):
            break
        time.sleep(0.1)
    recorder.close("kills", 1.0)


def _compare(folder: Path, victim: Victim) -> list[str]:
    rows = _rows(folder, f"select number, state from cell where session = '{victim.session}'")
    states = dict(rows)
    problems = []
    if len(states) != len(rows):
        problems.append(f"{victim.session}: a cell stands twice")
    for number, ended_at in victim.ended.items():
        if ended_at < victim.killed_at - COMMITTED_S and states.get(number) != "done":
            problems.append(f"{victim.session}: cell {number} is {states.get(number)}, not done")
    for number, begun_at in victim.begun.items():
        is_open = number not in victim.ended and begun_at < victim.killed_at - LOST_S
        if is_open and states.get(number) != "lost":
            problems.append(f"{victim.session}: open cell {number} is {states.get(number)}")
    return problems


def _rows(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "history.sqlite3", timeout=30)) as connection:
        return connection.execute(statement).fetchall()


def _pragma(folder: Path, name: str) -> object:
    return _rows(folder, f"pragma {name}")[0][0]


if __name__ == "__main__":
    sys.exit(main())
