"""The stack of hosted notebooks that nobody may upgrade: IPython 7.34, ipykernel 6.17, jupyter_client 7.4."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]

ROOT = Path(__file__).parents[2]
STACK = {
    "ipython": "7.34.0", "ipykernel": "6.17.1", "jupyter-client": "7.4.9", "tornado": "6.5.1",
    "traitlets": "5.7.1", "psutil": "5.9.5", "jinja2": "3.1.6", "platformdirs": "4.3.8",
}  # fmt: skip
"""As Colab has it; setuptools is what this IPython needs of it."""
NPM = "[tool.hatch.build.hooks.custom]\n"
VERSIONS = (
    "import importlib.metadata as m, json, sys\n"
    "print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
)


def uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run uv, which is where `make test` has put it."""
    found = ROOT / ".tools" / "bin" / "uv"
    command = str(found) if found.exists() else shutil.which("uv")
    if command is None:
        pytest.skip("needs uv, which `make test` brings")
    return subprocess.run([command, *arguments], capture_output=True, text=True, timeout=300)


def wheel(folder: Path) -> Path:
    """A wheel of the tree as it is; the front end as it was built last."""
    tree = folder / "tree"
    shutil.copytree(ROOT / "greencell", tree / "greencell")
    for name in ("install.json", "README.md", "LICENSE", "DATA_LICENSES.md"):
        shutil.copy(ROOT / name, tree / name)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert project.count(NPM) == 1
    (tree / "pyproject.toml").write_text(project.replace(NPM, ""), encoding="utf-8")
    built = uv("build", "--wheel", "--out-dir", str(folder), str(tree))
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of an environment with that stack, and greencell installed into it."""
    folder = tmp_path_factory.mktemp("stack")
    environment = folder / "venv"
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    assert uv("venv", "--python", sys.executable, str(environment)).returncode == 0
    pinned = [f"{name}=={version}" for name, version in STACK.items()]
    made = uv("pip", "install", "--python", str(python), *pinned, "setuptools<81")
    if made.returncode:
        pytest.skip(f"no registry has that stack for this Python: {made.stderr.strip()[-300:]}")
    added = uv("pip", "install", "--python", str(python), str(wheel(folder)))
    assert added.returncode == 0, added.stderr
    return python


def test_installing_replaces_nothing_of_the_stack(stack: Path) -> None:
    """greencell's own needs are met by what is there."""
    told = subprocess.run(
        [str(stack), "-c", VERSIONS, *STACK], capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == STACK


def test_the_old_stack_measures_and_answers(
    start_kernel: Start, stack: Path, tmp_path: Path
) -> None:
    """Loading, cells with names and ids, errors, magics, requests, and taking it out again."""
    kernel = start_kernel(load=False, python=str(stack))
    assert kernel.run("import IPython; print(IPython.__version__)").text == "7.34.0\n"
    first = kernel.run("%load_ext greencell")
    assert first.text.count("\n") == 1 and "France (FR)" in first.text
    assert [data["kind"] for data in first.ours] == ["hello"]
    assert "greencell" in kernel.control("comm_info_request", {"target_name": "greencell"})["comms"]

    kernel.run("x = sum(range(10**6))", cell_id="a")
    kernel.run("%%greencell named\nimport time; time.sleep(0.3)", cell_id="b")
    kernel.run("1/0", cell_id="c")
    kernel.run("%%capture\nprint(1)", cell_id="d")
    kernel.run("import asyncio; await asyncio.sleep(0.01)", cell_id="e")
    long = kernel.run(
        "end = time.monotonic() + 2.5\nwhile time.monotonic() < end: pass", cell_id="f"
    )
    assert "tick" in [data["kind"] for data in long.ours]
    cells = [cell for cell in kernel.document()["cells"] if cell["parent"] is None]
    assert [(cell["cell_id"], cell["execution_count"], cell["label"], cell["status"]) for cell in cells] == [
        ("a", 3, None, "ok"), ("b", 4, "named", "ok"), ("c", 5, None, "error"),
        ("d", 6, None, "ok"), ("e", 7, None, "ok"), ("f", 8, None, "ok"),
    ]  # fmt: skip
    assert all(cell["energy_kwh"] > 0 for cell in cells)

    for line in (
        "",
        " cells",
        " status",
        " sources",
        " zone FR",
        " compare-zones DE FR",
        " panel",
        " history",
    ):
        shown = kernel.run(f"%greencell{line}")
        assert shown.reply["content"]["status"] == "ok" and shown.text, line
    assert "J" in kernel.run("%energy -n 1 -r 2 sum(range(1000))").text
    kernel.run(f"%greencell export {tmp_path}/out.html")
    assert (tmp_path / "out.html").stat().st_size > 1000
    for op, extra in (
        ("snapshot", {}),
        ("export", {"format": "md"}),
        ("what-if", {"zones": "FR DE"}),
    ):
        assert kernel.ask(op, **extra)["ok"], op

    kernel.run("%reload_ext greencell")
    kernel.run("x = 1", cell_id="g")
    assert kernel.document()["cells"][-1]["cell_id"] == "g"
    assert kernel.run("%unload_ext greencell").text == ""
    left = kernel.run(
        "import threading\nip = get_ipython()\n"
        "print([c for n in ip.events.callbacks.values() for c in n if 'greencell' in repr(c)],"
        " [t.name for t in threading.enumerate() if 'greencell' in t.name],"
        " 'greencell_request' in ip.kernel.control_handlers, 'greencell' in ip.kernel.comm_manager.comms)"
    )
    assert left.text == "[] [] False False\n"
