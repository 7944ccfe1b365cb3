"""Takes the pictures of docs/screenshots: a real JupyterLab, in themes and widths. Look at them.

The panel in each of its states and main views, in three themes and at three widths, cropped to
the panel: NAME-THEME-WIDTH.png; and the whole windows that the README shows. Simulated hardware
stands in for a workstation with meters. Run: .venv/bin/python scripts/screenshots.py, or with
names of states (``--list`` tells them); needs Pillow, which the tests' environment has.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, WebSocketRoute  # noqa: E402

import odd_kernels  # noqa: E402
from greencell.testing import PowercapTree  # noqa: E402
from greencell.testing.nvml import build  # noqa: E402
from lab_support import TOKEN, Lab, Notebook, running_chromium, running_lab  # noqa: E402

OUT = ROOT / "docs" / "screenshots"
THEMES = {
    "light": "JupyterLab Light",
    "dark": "JupyterLab Dark",
    "contrast": "JupyterLab Dark High Contrast",
}
WIDTHS = (300, 400, 600)
VIEWPORT = {"width": 1280, "height": 1000}
TALLEST = 2_400
COLOURS = 64
"""Enough for text on few colours; a picture is a third as large."""
WORK = "import math, time\n\ndef work(seconds):\n    end = time.monotonic() + seconds\n    while time.monotonic() < end:\n        math.factorial(2_000)"
CELLS = [
    WORK,
    "%%greencell load the data\nnumbers = [(i * 7919) % 1_000_003 for i in range(2_000_000)]\nlen(sorted(numbers))",
    "# a quick check\nwork(1.5)",
    "%%greencell train\nwork(6)",
    "work(2)\nraise ValueError('diverged')",
    "%%greencell evaluate\nwork(300)",
]
LAST = len(CELLS) - 1
NATIVE = "began = time.perf_counter(); sum(range(3_000_000)); each = (time.perf_counter() - began) / 3e6\nsum(range(int(240 / each)))"
DIE = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"


# -- how a notebook comes into each state --------------------------------------------------------


def run_all(nb: Notebook, *, last: bool = False) -> None:
    """Measure all cells but the last, which is long; begin that too if wanted."""
    nb.wait_idle()
    nb.enable()
    for index in range(LAST):
        nb.run(index)
    if last:
        nb.run(LAST, wait=False)
        nb.page.locator("[data-gc='chart'] canvas").first.wait_for()
        nb.page.wait_for_timeout(9_000)


def one_cell(nb: Notebook) -> None:
    """Measure a first cell."""
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.page.locator("[data-gc='cell-row']").first.wait_for()


def enable(nb: Notebook) -> None:
    """Press the button."""
    nb.wait_idle()
    nb.page.locator("[data-gc='enable']").click()


def queued(nb: Notebook) -> None:
    """Ask for measuring while a cell runs."""
    nb.wait_idle()
    nb.run(0)
    nb.run(1, wait=False)
    nb.page.wait_for_timeout(500)
    nb.page.locator("[data-gc='enable']").click()


def paused(nb: Notebook) -> None:
    """All cells, then pause."""
    run_all(nb)
    nb.page.get_by_role("button", name="Pause", exact=True).click()


def native(nb: Notebook) -> None:
    """Longer than it takes until the panel tells."""
    one_cell(nb)
    nb.run(1, wait=False)
    nb.page.get_by_text("native code holds the interpreter").wait_for(timeout=60_000)


def silent(nb: Notebook) -> None:
    """A page that comes while native code holds the interpreter."""
    one_cell(nb)
    nb.run(1, wait=False)
    nb.page.wait_for_timeout(1_000)
    nb.page.goto(nb.page.url.replace("?reset", "?"))
    nb.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    nb.show_panel()


def died(nb: Notebook) -> None:
    """A cell that kills its kernel."""
    one_cell(nb)
    nb.run(1, wait=False)
    nb.page.locator(".jp-Dialog .jp-mod-accept").click(timeout=30_000)


def restart(nb: Notebook) -> None:
    """All cells, then restart."""
    run_all(nb)
    nb.command("kernelmenu:restart")
    nb.page.locator(".jp-Dialog .jp-mod-accept").click()
    nb.page.locator("[data-gc='enable']").wait_for()


def restarted(nb: Notebook) -> None:
    """The session after that."""
    restart(nb)
    nb.wait_idle()
    nb.page.locator("[data-gc='enable']").click()
    nb.page.locator("[data-gc='export']").wait_for()
    nb.run(0)


def shut_down(nb: Notebook) -> None:
    """All cells, then shut the kernel down."""
    run_all(nb)
    nb.command("kernelmenu:shutdown")
    nb.page.locator("[data-gc='start-kernel']").wait_for(timeout=20_000)


def load(nb: Notebook) -> None:
    """Load a greencell of another version."""
    nb.wait_idle()
    nb.run(0)
    nb.page.locator("[data-gc='command']").wait_for()


def how(nb: Notebook) -> None:
    """How the figures are computed."""
    run_all(nb)
    nb.page.locator("[data-gc='provenance']").click()


def what_if(nb: Notebook) -> None:
    """This session elsewhere."""
    run_all(nb)
    nb.page.locator("[data-gc='what-if'] > summary").click()
    nb.page.locator("[data-gc='elsewhere-row']").first.wait_for()


@dataclass(frozen=True)
class Scene:
    """A notebook on a kernel, and how it comes into a state."""

    kernel: str
    prepare: Callable[[Notebook], None]
    cells: tuple[str, ...] = tuple(CELLS)


def lose_the_meter(tree: PowercapTree) -> Callable[[Notebook], None]:
    """The counter goes away in the middle of a cell."""

    def degraded(nb: Notebook) -> None:
        run_all(nb, last=True)
        tree.vanish("package-0")
        nb.page.locator("[data-gc='notice'].gc-mod-warning").first.wait_for(timeout=30_000)
        nb.page.wait_for_timeout(3_000)

    return degraded


def cut(nb: Notebook) -> None:
    """Close the socket to the kernel, and let no other open."""
    run_all(nb, last=True)
    nb.page.evaluate("() => window.cutOff()")
    nb.page.get_by_text("No connection to the kernel").first.wait_for()


def scenes(tree: PowercapTree) -> dict[str, Scene]:
    """All states by the names of their pictures."""
    short, long_native = ("a = 1",), (WORK, NATIVE)
    return {
        "no-notebook": Scene("", lambda _nb: None),
        "no-kernel": Scene("metered", shut_down),
        "not-loaded": Scene("python3", Notebook.wait_idle, short),
        "not-installed": Scene("bare", enable, short),
        "starting": Scene("hardly", enable, short),
        "queued": Scene("python3", queued, (WORK, "work(300)")),
        "measuring": Scene("metered", lambda nb: run_all(nb, last=True)),
        "estimated": Scene("python3", lambda nb: run_all(nb, last=True)),
        "idle": Scene("metered", run_all),
        "paused": Scene("metered", paused),
        "native": Scene("metered", native, long_native),
        "silent": Scene("metered", silent, long_native),
        "degraded": Scene("metered", lose_the_meter(tree)),
        "died": Scene("metered", died, (WORK, DIE)),
        "restart": Scene("metered", restart),
        "restarted": Scene("metered", restarted),
        "other-language": Scene("julia", Notebook.wait_idle, short),
        "newer": Scene("newer", load, ("%load_ext greencell",)),
        "older": Scene("older", load, ("%load_ext greencell",)),
        "disconnected": Scene("metered", cut),
        "what-if": Scene("metered", what_if),
        "how": Scene("python3", how),
    }


# -- the pictures --------------------------------------------------------------------------------


def panel_pictures(lab: Lab, chromium: Browser, name: str, scene: Scene) -> None:
    """One state in all themes and widths."""
    context = chromium.new_context(viewport=VIEWPORT)
    page = context.new_page()
    routes: list[WebSocketRoute] = []
    open_to = {"kernels": True}

    def pass_on(route: WebSocketRoute) -> None:
        if open_to["kernels"]:
            route.connect_to_server()
            routes.append(route)
        else:
            route.close(code=1001)

    def cut_off() -> None:
        open_to["kernels"] = False
        for route in routes:
            route.close(code=1001)

    if name == "disconnected":
        page.route_web_socket("**/channels**", pass_on)
        page.expose_function("cutOff", cut_off)
    nb = Notebook(page, lab, "train.ipynb", [], [])
    if scene.kernel:
        lab.write_notebook("train.ipynb", list(scene.cells), scene.kernel)
        nb.open()
    else:
        page.goto(f"{lab.url}/lab?reset&token={TOKEN}")
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget", timeout=60_000)
    nb.show_panel()
    scene.prepare(nb)
    for theme, full_name in THEMES.items():
        set_theme(nb, full_name)
        for width in WIDTHS:
            set_width(nb, width)
            save(panel(nb), OUT / f"{name}-{theme}-{width}.png")
    page.set_viewport_size(VIEWPORT)
    context.close()
    end_kernels(lab)


def set_theme(nb: Notebook, name: str) -> None:
    """Another theme, once it is there."""
    nb.page.evaluate(
        "t => window.jupyterapp.commands.execute('apputils:change-theme', {theme: t})", name
    )
    nb.page.wait_for_function("t => document.body.dataset.jpThemeName === t", arg=name)
    nb.page.wait_for_timeout(800)


def set_width(nb: Notebook, width: int) -> None:
    """Drag the panel's edge until it is so wide."""
    box = nb.page.locator("[data-gc='panel']").bounding_box()
    assert box is not None
    edge, middle = box["x"] - 2, box["y"] + 300
    nb.page.mouse.move(edge, middle)
    nb.page.mouse.down()
    nb.page.mouse.move(edge + box["width"] - width, middle, steps=3)
    nb.page.mouse.up()
    nb.page.mouse.move(400, 400)
    nb.page.wait_for_timeout(300)


def panel(nb: Notebook) -> bytes:
    """The panel as far as it has something to show."""
    page = nb.page
    wanted = page.evaluate(
        "() => { const p = document.querySelector(\"[data-gc='panel']\"); p.scrollTop = 0; return p.scrollHeight }"
    )
    page.set_viewport_size({**VIEWPORT, "height": min(TALLEST, max(1_000, wanted + 60))})
    page.wait_for_timeout(300)
    box = page.locator("[data-gc='panel']").bounding_box()
    assert box is not None
    bottom = page.evaluate(
        "() => Math.max(...[...document.querySelector(\"[data-gc='panel']\").children]"
        ".map(child => child.getBoundingClientRect().bottom))"
    )
    height = min(box["height"], bottom - box["y"] + 8)
    return page.screenshot(clip={**box, "height": height})


def save(png: bytes, path: Path) -> None:
    """With its most frequent colours: small, as sharp, and no hue of an area is off."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    counted = sorted(picture.getcolors(1 << 24) or [], reverse=True)[:COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in counted for part in colour])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def end_kernels(lab: Lab) -> None:
    """Also those that hold their interpreter."""
    for kernel in lab.get("/api/kernels"):
        gone = urllib.request.Request(
            f"{lab.url}/api/kernels/{kernel['id']}",
            method="DELETE", headers={"Authorization": f"token {TOKEN}"},
        )  # fmt: skip
        urllib.request.urlopen(gone, timeout=30).close()


def windows(home: Path, name: str, theme: str, width: int, environment: dict[str, str]) -> None:
    """A whole window in the middle of a long cell, for the README."""
    home.mkdir()
    with running_lab(home, **environment) as lab, running_chromium() as chromium:
        size = {"width": width, "height": 800 if width == 1280 else 1000}
        page = chromium.new_context(viewport=size).new_page()
        nb = Notebook(page, lab, "train.ipynb", [], [])
        lab.write_notebook("train.ipynb", CELLS)
        nb.open()
        nb.show_panel()
        nb.command("filebrowser:toggle-main")
        set_theme(nb, THEMES[theme])
        run_all(nb, last=True)
        page.screenshot(path=OUT / f"{name}-{theme}-{width}.png")


def main() -> None:
    """Take all pictures, or those of the states named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="states; 'windows' for the README's pictures")
    parser.add_argument("--list", action="store_true", help="tell the names of the states")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        tree = PowercapTree(home / "sys")
        known = scenes(tree)
        if options.list:
            print("\n".join([*known, "windows"]))
            return
        unknown = set(options.names) - set(known) - {"windows"}
        if unknown:
            parser.error(f"no such state: {', '.join(sorted(unknown))}")
        OUT.mkdir(parents=True, exist_ok=True)
        tree.add("package-0", 62.0)
        tree.add("dram", 6.0, parent="package-0")
        tree.run(0.005)
        wanted = {name: known[name] for name in known if not options.names or name in options.names}
        if wanted:
            states(home / "states", wanted, tree)
        if not options.names or "windows" in options.names:
            build(home)
            hardware = {
                "GREENCELL_SYSFS_ROOT": str(tree.root), "LD_LIBRARY_PATH": str(home),
                "FAKENVML_GPUS": "1", "FAKENVML_POWER_W": "180", "TZ": "Europe/Berlin",
            }  # fmt: skip
            windows(home / "measured", "measured", "light", 1280, hardware)
            windows(home / "estimated", "estimated", "dark", 1920, {})
        tree.close()


def states(home: Path, wanted: dict[str, Scene], tree: PowercapTree) -> None:
    """The panel in these states, on one server."""
    home.mkdir()
    kernels = (
        odd_kernels.BARE, odd_kernels.JULIA, odd_kernels.HARDLY, odd_kernels.NEWER,
        odd_kernels.OLDER, odd_kernels.on_hardware(tree.root),
    )  # fmt: skip
    for kernel in kernels:
        kernel.install(home / "data")
    with running_lab(home) as lab, running_chromium() as chromium:
        for name, scene in wanted.items():
            print(name, flush=True)
            panel_pictures(lab, chromium, name, scene)
            if name == "degraded":
                tree.come_back("package-0")
            shutil.rmtree(home / "history", ignore_errors=True)


if __name__ == "__main__":
    main()
