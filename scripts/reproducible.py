"""Builds the wheel twice from fresh copies of the tree, and compares the bytes.

    make reproducible

Both copies lie in the same folder, one after the other: the front end's builder numbers one of
its modules by the path. The time that goes into the wheel is that of the last commit, or SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """0 if both are the same to the last byte."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or _output("git", "log", "-1", "--format=%ct")
    files = _output("git", "ls-files", "-z").split("\0")
    with tempfile.TemporaryDirectory() as folder:
        wheels = [_built(Path(folder), name, files, epoch) for name in ("one", "other")]
        sums = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]
        print(f"{wheels[0].name}\n{sums[0]}\n{sums[1]}")
        if sums[0] == sums[1]:
            print("the same to the last byte")
            return 0
        print("\n".join(_differences(*wheels)))
        return 1


def _built(folder: Path, out: str, files: list[str], epoch: str) -> Path:
    tree = folder / "tree"
    for name in files:
        source = ROOT / name
        if name and source.is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, tree / name)
    shutil.copytree(ROOT / "node_modules", tree / "node_modules", symlinks=True)
    subprocess.run(
        [ROOT / ".tools" / "bin" / "uv", "build", "--quiet", "--wheel", "--out-dir", folder / out],
        cwd=tree, check=True, env=os.environ | {"SOURCE_DATE_EPOCH": epoch},
    )  # fmt: skip
    shutil.rmtree(tree)
    (wheel,) = (folder / out).glob("*.whl")
    return wheel


def _differences(one: Path, other: Path) -> list[str]:
    with zipfile.ZipFile(one) as a, zipfile.ZipFile(other) as b:
        names = sorted({*a.namelist(), *b.namelist()})
        return [
            f"differs: {name}" for name in names
            if name not in a.namelist() or name not in b.namelist() or a.read(name) != b.read(name)
        ] or ["only the archive's own fields differ"]  # fmt: skip


def _output(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
