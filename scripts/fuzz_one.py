"""Fuzzes one reader with atheris, or tries one input again.

    python scripts/fuzz_one.py READER [libFuzzer's options, folders of inputs, or an input to try]

``make fuzz`` starts one such process per reader: atheris ends the process that it runs in.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
# Only our code guides it. Python's own and jinja2's would drown that.
with atheris.instrument_imports(include=["greencell"]):
    from fuzzing import readers
    from fuzzing.choices import Choices


def main() -> None:
    """Never returns: at the end, or at the first problem, the process ends."""
    name, *options = sys.argv[1:]
    reader = {**readers.READERS, readers.CANARY: readers.canary}[name]
    folder = Path(tempfile.mkdtemp(prefix=f"greencell-fuzz-{name}-"))

    def one_input(data: bytes) -> None:
        reader(Choices(data), folder)

    atheris.Setup([sys.argv[0], *options], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
