"""What it costs to learn a zone and its intensity: the first time, and after.

Each cold figure is of a process of its own, after the imports. The last column is the ratio to
what was promised: at most 20 ms cold, at most 50 µs warm; 1 or less keeps the promise.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

PROMISED_COLD_S, PROMISED_WARM_S = 20e-3, 50e-6
PROCESSES = 7
QUESTIONS = {
    "a country": "GridTable().find('FR')",
    "a country by name": "GridTable().find('germany')",
    "a subdivision": "GridTable().find('US-CA')",
    "a cloud region": "GridTable().find('aws:eu-west-3')",
    "a bare region's name": "GridTable().find('eu-west-3')",
    "here, by the time zone": "locate(None, {'TZ': 'Europe/Paris'}, GridTable())",
    "here, found nowhere": "locate(None, {'TZ': 'UTC'}, GridTable())",
    "here, in a cloud": "locate(None, CLOUD, GridTable())",
}
PROGRAM = """
import json, time
from greencell.carbon.carbon_info import Wishes, carbon_info
from greencell.carbon.grid_table import GridTable
from greencell.carbon.location import locate
CLOUD = {{'AWS_EXECUTION_ENV': 'x', 'AWS_REGION': 'eu-west-3'}}
began = time.perf_counter()
{question}
cold_s = time.perf_counter() - began
table = GridTable()
GridTable = lambda: table
{question}
warm_s = []
for _ in range(300):
    began = time.perf_counter()
    {question}
    warm_s.append(time.perf_counter() - began)
print(json.dumps([cold_s, sorted(warm_s)[len(warm_s) // 2]]))
"""


def main() -> None:
    """Ask each question in several processes, and print the medians."""
    print(f"{'question':<24} {'cold':>9} {'warm':>9}   of what was promised")
    for name, question in QUESTIONS.items():
        program = [sys.executable, "-c", PROGRAM.format(question=question)]
        found = [
            json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
            for _ in range(PROCESSES)
        ]
        cold_s, warm_s = (statistics.median(column) for column in zip(*found, strict=True))
        is_lookup = not name.startswith("here")
        warm = f"{warm_s / PROMISED_WARM_S:.2f}" if is_lookup else "(files are read anew)"
        print(
            f"{name:<24} {1e3 * cold_s:>6.1f} ms {1e6 * warm_s:>6.1f} µs   "
            f"{cold_s / PROMISED_COLD_S:.2f} cold, {warm} warm"
        )


if __name__ == "__main__":
    main()
