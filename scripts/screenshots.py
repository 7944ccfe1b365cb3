"""Takes the pictures of docs/screenshots: a real JupyterLab, light and dark, two widths.

Simulated hardware stands in for a workstation with meters; the machine this runs on shows the
estimated picture. Run: .venv/bin/python scripts/screenshots.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from greencell.testing import PowercapTree  # noqa: E402
from greencell.testing.nvml import build  # noqa: E402
from lab_support import Notebook, running_chromium, running_lab  # noqa: E402

OUT = ROOT / "docs" / "screenshots"
CELLS = [
    "import math, time\n\ndef work(seconds):\n    end = time.monotonic() + seconds\n    while time.monotonic() < end:\n        math.factorial(2_000)",
    "%%greencell load the data\nnumbers = [(i * 7919) % 1_000_003 for i in range(2_000_000)]\nlen(sorted(numbers))",
    "# a quick check\nwork(1.5)",
    "%%greencell train\nwork(6)",
    "work(2)\nraise ValueError('diverged')",
    "%%greencell evaluate\nwork(30)",
]


def main() -> None:
    """Take all pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        pictures(home / "estimated", "estimated", {})
        tree = PowercapTree(home / "sys")
        tree.add("package-0", 62.0)
        tree.add("dram", 6.0, parent="package-0")
        tree.run(0.005)
        build(home)
        hardware = {
            "GREENCELL_SYSFS_ROOT": str(home / "sys"), "LD_LIBRARY_PATH": str(home),
            "FAKENVML_GPUS": "1", "FAKENVML_POWER_W": "180", "TZ": "Europe/Berlin",
        }  # fmt: skip
        pictures(home / "measured", "measured", hardware)
        tree.close()


def pictures(home: Path, name: str, environment: dict[str, str]) -> None:
    """One notebook, in the middle of a long cell, in all themes and widths."""
    home.mkdir()
    with running_lab(home, **environment) as lab, running_chromium() as chromium:
        shutil.rmtree(OUT / name, ignore_errors=True)
        page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
        notebook = Notebook(page, lab, "train.ipynb", [], [])
        lab.write_notebook("train.ipynb", CELLS)
        notebook.open()
        notebook.wait_idle()
        notebook.show_panel()
        page.screenshot(path=OUT / f"{name}-start.png")
        notebook.enable()
        notebook.command("filebrowser:toggle-main")
        for index in range(len(CELLS) - 1):
            notebook.run(index)
        notebook.run(len(CELLS) - 1, wait=False)
        page.wait_for_timeout(9_000)
        for theme in ("Light", "Dark"):
            page.evaluate(
                "t => window.jupyterapp.commands.execute('apputils:change-theme', {theme: t})",
                f"JupyterLab {theme}",
            )
            page.wait_for_timeout(1_500)
            for width in (1280, 1920):
                page.set_viewport_size({"width": width, "height": 800 if width == 1280 else 1000})
                page.wait_for_timeout(1_200)
                page.screenshot(path=OUT / f"{name}-{theme.lower()}-{width}.png")
        notebook.command("notebook:interrupt-kernel")
        page.locator("[data-gc='provenance']").click()
        page.wait_for_timeout(500)
        page.screenshot(path=OUT / f"{name}-how.png")
        page.locator("[data-gc='method'] summary").click()
        what_if = page.locator("[data-gc='what-if']")
        what_if.locator("summary").click()
        what_if.locator("[data-gc='elsewhere-row']").first.wait_for()
        what_if.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        page.screenshot(path=OUT / f"{name}-what-if.png")


if __name__ == "__main__":
    main()
