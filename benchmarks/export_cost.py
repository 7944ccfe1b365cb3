"""What an export costs: each format at a thousand and at ten thousand cells, and their ratio.

Seconds are the least of three, in this process; 10 is a ratio of a cost that grows as the cells do.
Reading such a file again, as ``greencell report`` does it, stands at the end.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from greencell import report
from greencell.cli.report import read

ROOT = Path(__file__).resolve().parent.parent
FEW, MANY, ROUNDS = 1_000, 10_000, 3


def seconds(call: Callable[[], object]) -> float:
    """The least time of the rounds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return min(took)


def main() -> None:
    """Print a line for each format."""
    sys.path.insert(0, str(ROOT / "tests"))
    from tests_support import long_document

    documents = {count: long_document(count) for count in (FEW, MANY)}
    print(f"{'export':<14} {FEW:>9,} cells {MANY:>9,} cells   ratio")
    for name in report.FORMATS:
        _tell(name, lambda d, name=name: report.render(d, name), documents)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for count, document in documents.items():
            files[count] = Path(folder) / f"{count}.json"
            files[count].write_text(json.dumps(document), encoding="utf-8")
        _tell("reading it", read, files)


def _tell(name: str, call: Callable[[Any], object], inputs: dict[int, Any]) -> None:
    few_s, many_s = (seconds(lambda count=count: call(inputs[count])) for count in (FEW, MANY))
    print(f"{name:<14} {few_s:>13.3f} s {many_s:>13.3f} s {many_s / few_s:>7.1f}")


if __name__ == "__main__":
    main()
