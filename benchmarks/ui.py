"""What the panel costs a page: a real JupyterLab in a real Chromium, with and without greencell.

The two are opened in turn in one run, so only the ratios travel to other machines, and every
figure is of a machine as busy as it was. Run: make bench, or benchmarks/ui.py --quick.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).resolve().parent)]

from playwright.sync_api import Browser, Page  # noqa: E402
from ui_tools import IN_PAGE, Frames, Probe, javascript_kb, median  # noqa: E402

from lab_support import TOKEN, Lab, Notebook, running_chromium, running_lab  # noqa: E402

SORTERS = (
    "[data-gc='sort-energy']",
    "[data-gc='sort'][data-key='energy']",
    ".gc-Section-title .gc-mod-link:has-text('first')",
    ".gc-Section-title .gc-mod-link:has-text('energy')",
)
"""What sorts the table by energy: the first that is there."""
QUIET_MS = 1_000
BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))"
PRINTING = r"""import sys, threading, time
def beside():
    for i in range(15): sys.stdout.write(f"thread {i}\n"); time.sleep(.2)
thread = threading.Thread(target=beside); thread.start()
for i in range(15): sys.stdout.write(f"cell {i}\n"); time.sleep(.2)
thread.join()"""


@dataclass(frozen=True)
class Opened:
    """One opening of the long notebook, and its scrolling."""

    open_s: float
    open_work_s: float
    scroll_work_s: float
    long_tasks: float
    stretch_ms: float


Row = tuple[str, float, float | None, str]
"""What, its figure, the aim (at most so much; ``None``: a figure to know), its unit."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cells, rounds and seconds")
    parser.add_argument("--only", default="", help="letters of the parts, e.g. cde")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        homes = [Path(folder) / name for name in ("with", "without")]
        for home in homes:
            (home / "config" / "labconfig").mkdir(parents=True)
        (homes[1] / "config" / "labconfig" / "page_config.json").write_text(
            json.dumps({"disabledExtensions": {"greencell": True}})
        )
        labs = [stack.enter_context(running_lab(home)) for home in homes]
        bench = Bench(
            labs[0], labs[1], stack.enter_context(running_chromium()), quick=options.quick
        )
        print(f"{'what':<62} {'figure':>9}    {'aim':>9}")
        for letter, part in bench.parts.items():
            if options.only and letter not in options.only:
                continue
            for what, figure, aim, unit in part():
                verdict = "" if aim is None else f"≤ {aim:g} {'met' if figure <= aim else 'MISSED'}"
                print(f"{what:<62} {figure:>9.3f} {unit:<5} {verdict:>9}", flush=True)


class Bench:
    def __init__(self, ours: Lab, bare: Lab, chromium: Browser, *, quick: bool) -> None:
        self.ours, self.bare, self.chromium, self.quick = ours, bare, chromium, quick
        self.made = 0
        self.cells = 200 if quick else 1_000
        self.parts: dict[str, Callable[[], list[Row]]] = {
            "a": self.long_notebook, "c": self.ticks, "d": self.table, "e": self.an_hour,
            "f": self.size, "g": self.a_real_cell, "j": self.nested_runs,
        }  # fmt: skip

    # -- (a, b) a long notebook ------------------------------------------------------------------

    def long_notebook(self) -> list[Row]:
        for lab in (self.ours, self.bare):
            lab.write_notebook("long.ipynb", [f"x{i} = {i}" for i in range(self.cells)])
            self._run_all(lab)
        found: dict[bool, list[Opened]] = {True: [], False: []}
        for turn in range(2 if self.quick else 5):
            for lab in (self.ours, self.bare) if turn % 2 else (self.bare, self.ours):
                found[lab is self.ours].append(self._open_and_scroll(lab))
        with self._page() as (page, probe), probe.profile() as opening:
            self._open_long(page, probe, self.ours)

        def of(which: str, *, ours: bool) -> float:
            return median([getattr(each, which) for each in found[ours]])

        def ratio(which: str) -> float:
            return of(which, ours=True) / of(which, ours=False)

        stretch = max(each.stretch_ms for each in found[True])
        return [
            (
                f"(a) opening {self.cells} cells with badges, with / without",
                ratio("open_s"),
                1.05,
                "×",
            ),
            ("    with", of("open_s", ours=True), None, "s"),
            ("    without", of("open_s", ours=False), None, "s"),
            ("    work of the main thread, with / without", ratio("open_work_s"), None, "×"),
            (
                "    longest stretch of greencell's code while opening",
                opening.longest_ms,
                None,
                "ms",
            ),
            ("(b) scrolling: longest stretch of greencell's code", stretch, 50, "ms"),
            ("    work of the main thread, with / without", ratio("scroll_work_s"), None, "×"),
            ("    long tasks of any code, with", of("long_tasks", ours=True), None, ""),
            ("    long tasks of any code, without", of("long_tasks", ours=False), None, ""),
        ]

    def _run_all(self, lab: Lab) -> None:
        """Once, so that the kernel has a record for each cell; its page is closed unsaved."""
        with self._page() as (page, _):
            nb = Notebook(page, lab, "long.ipynb", [], [])
            nb.open()
            nb.wait_idle()
            if lab is self.ours:
                nb.enable()
            nb.command("runmenu:run-all")
            page.wait_for_function(
                "n => jupyterapp.shell.currentWidget.content.model.cells.get(n).executionCount > 0",
                arg=self.cells - 1, timeout=600_000,
            )  # fmt: skip

    def _open_and_scroll(self, lab: Lab) -> Opened:
        with self._page() as (page, probe):
            open_s, open_work_s = self._open_long(page, probe, lab)
            with probe.profile() as profile:
                before = probe.task_s()
                page.evaluate("() => bench.scroll()")
                work_s = probe.task_s() - before
            tasks = page.evaluate("() => bench.longTasks.length")
            return Opened(open_s, open_work_s, work_s, tasks, profile.longest_ms)

    def _open_long(self, page: Page, probe: Probe, lab: Lab) -> tuple[float, float]:
        """Seconds until all is there and the page has come to rest, and those of work."""
        url = f"{lab.url}/lab/tree/long.ipynb?reset&token={TOKEN}"
        page.goto(url, wait_until="commit")
        page.wait_for_function(
            "([cells, badges, quiet]) => bench.rested(cells, badges, quiet)",
            arg=[self.cells, self.cells if lab is self.ours else 0, QUIET_MS],
            timeout=300_000, polling=100,
        )  # fmt: skip
        took: float = page.evaluate("() => Math.max(bench.lastLong, bench.there)")
        return took / 1e3, probe.task_s()

    # -- (c, d, e) the panel fed with messages ---------------------------------------------------

    @contextmanager
    def _fed(self) -> Iterator[tuple[Page, Probe, Notebook]]:
        """A measured notebook, with the messages of a real cell kept as templates."""
        self.made += 1
        name = f"fed{self.made}.ipynb"
        self.ours.write_notebook(name, ["import time; time.sleep(3.5)", *["x = 1"] * 20])
        with self._page() as (page, probe):
            nb = Notebook(page, self.ours, name, [], [])
            nb.open()
            nb.wait_idle()
            nb.enable()
            page.evaluate("() => bench.listen()")
            nb.run(0)
            page.wait_for_function("() => bench.kinds.tick && bench.record", timeout=30_000)
            page.evaluate("() => bench.whole()")
            yield page, probe, nb

    @staticmethod
    def _hide(nb: Notebook) -> None:
        nb.command("application:toggle-right-area")
        nb.page.wait_for_selector("[data-gc='panel']", state="hidden")

    def ticks(self) -> list[Row]:
        count = 60 if self.quick else 120
        costs: dict[str, list[dict[str, float]]] = {}
        touched = 0
        with self._fed() as (page, probe, nb):

            def once(name: str, *, say: bool) -> None:
                before = probe.parts_ms()
                script: float = page.evaluate("([n, say]) => bench.ticks(n, say)", [count, say])
                after = probe.parts_ms()
                with probe.profile() as profile:
                    page.evaluate("([n, say]) => bench.ticks(n, say)", [count // 2, say])
                cost = {part: (after[part] - before[part]) / count for part in after}
                cost |= {"script": script, "ours": profile.inclusive_ms / (count // 2)}
                costs.setdefault(name, []).append(cost)

            once("warm", say=True)
            for _ in range(2 if self.quick else 4):
                once("open", say=True)
                once("open, none", say=False)
                page.evaluate("() => bench.watchPanel()")
                self._hide(nb)
                page.evaluate("() => { bench.changes = 0 }")  # to hide is one, too
                once("closed", say=True)
                touched += page.evaluate("() => bench.changes")
                once("closed, none", say=False)
                nb.show_panel()

        def added(name: str, part: str = "TaskDuration") -> float:
            return median([c[part] for c in costs[name]]) - median(
                [c[part] for c in costs[f"{name}, none"]]
            )

        rows: list[Row] = []
        for name, aim in (("open", 2.0), ("closed", 0.0)):
            script = median([c["script"] for c in costs[name]])
            layout = added(name, "LayoutDuration") + added(name, "RecalcStyleDuration")
            rows += [
                (
                    f"(c) a tick, panel {name}: greencell's code, by profile",
                    added(name, "ours"),
                    aim,
                    "ms",
                ),
                ("    its message, until all that listens is done", script, None, "ms"),
                ("    style and layout, added", layout, None, "ms"),
                ("    main thread in all, a frame painted, added", added(name), None, "ms"),
            ]
        # What is left then is the status bar's and the running cell's badge.
        return [*rows, ("    changes of the closed panel, all ticks", touched, 0, "")]

    def table(self) -> list[Row]:
        paints: list[float] = []
        sorts: list[float] = []
        with self._fed() as (page, _, nb):
            for turn in range(3 if self.quick else 7):
                self._hide(nb)
                page.evaluate("session => bench.fill(session)", f"bench{turn}")
                page.wait_for_timeout(500)
                took, rows = page.evaluate("() => bench.show()")
                assert rows > 0, "the table shows nothing"
                paints.append(took)
                sorter = next(each for each in SORTERS if page.locator(each).count())
                button = page.locator(sorter).first.element_handle()
                for _ in range(2):
                    sorts.append(page.evaluate("button => bench.click(button)", button))
        return [
            ("(d) 10,000 finished cells: panel shown until painted", median(paints), 100, "ms"),
            ("    sorted by energy, and back, until painted", median(sorts), 100, "ms"),
        ]

    def an_hour(self) -> list[Row]:
        seconds = 600 if self.quick else 3_600
        with self._fed() as (page, probe, _):
            page.evaluate("() => bench.replay(0, 60)")
            before = probe.heap_mb()
            page.evaluate("n => bench.replay(60, n)", seconds)
            grown = probe.heap_mb() - before
        return [(f"(e) {seconds} s at 1 Hz, replayed: growth of the heap", grown, 2.0, "MB")]

    # -- (f) -------------------------------------------------------------------------------------

    def size(self) -> list[Row]:
        sizes = javascript_kb(ROOT / "greencell" / "labextension" / "static")
        return [
            (
                "(f) JavaScript of the extension, chart included",
                sizes["own"] + sizes["chart"],
                130,
                "kB",
            ),
            ("    … of it the chart (uPlot)", sizes["chart"], None, "kB"),
            ("    besides: CSS as a module", sizes["css"], None, "kB"),
            ("    besides: the bundler's runtime", sizes["bundler"], None, "kB"),
        ]

    # -- (g, h, i) a real cell -------------------------------------------------------------------

    def a_real_cell(self) -> list[Row]:
        running_s, idle_s = (10, 5) if self.quick else (40, 20)
        self.ours.write_notebook("live.ipynb", [PRINTING, BUSY.format(running_s)])
        with self._page() as (page, probe):
            frames = Frames(probe)
            nb = Notebook(page, self.ours, "live.ipynb", [], [])
            nb.open()
            nb.wait_idle()
            nb.enable()
            page.evaluate("() => bench.listen()")
            nb.run(0)
            outputs = page.evaluate(
                "() => jupyterapp.shell.currentWidget.content.model.cells.get(0)"
                ".sharedModel.getOutputs()"
            )
            lines = "".join("".join(out["text"]) for out in outputs).splitlines()
            lost = set(lines) ^ {f"{who} {i}" for who in ("cell", "thread") for i in range(15)}
            self._settle(page, nb)
            frames.clear()
            began = time.monotonic()
            nb.run(1, wait=False)
            page.wait_for_function("() => bench.context().session.kernel.status === 'busy'")
            page.evaluate("() => { bench.states = [] }")
            seen = self._server_says(page, running_s - 3)
            took = time.monotonic() - began
            page_says: list[str] = page.evaluate("() => bench.states")
            running = frames.counts()
            self._settle(page, nb)
            frames.clear()
            page.wait_for_timeout(idle_s * 1_000)
            idle = frames.counts()
        odd = sum(state != "busy" for state in seen)
        return [
            ("(g) websocket, per running cell", running["bytes"] / took / 1e3, 1.0, "KB/s"),
            ("    of it greencell's own, the rest is Jupyter's headers", running["data"] / took / 1e3, None, "KB/s"),
            ("    messages", running["ours"] / took, None, "/s"),
            (f"    messages while idle, in {idle_s} s", idle["ours"], 0, ""),
            ("(h) requests by greencell while measuring", running["our_requests"], 0, ""),
            ("    by JupyterLab itself", running["requests"], None, ""),
            (f"(i) not busy during a cell, of {len(seen)} looks at the server", odd, 0, ""),
            ("    changes of the page's busy mark during a cell", len(page_says), 0, ""),
            ("    lines of output lost, doubled or changed, of 30", len(lost) + abs(len(lines) - 30), 0, ""),
        ]  # fmt: skip

    # -- (j) many runs in one cell ---------------------------------------------------------------

    def nested_runs(self) -> list[Row]:
        count = 300 if self.quick else 1_500
        source = f"ip = get_ipython()\nfor _ in range({count}): ip.run_cell('x = 1')"
        took: dict[bool, list[float]] = {True: [], False: []}
        work: dict[bool, list[float]] = {True: [], False: []}
        stretch = 0.0
        for turn in range(2 if self.quick else 5):
            for lab in (self.ours, self.bare) if turn % 2 else (self.bare, self.ours):
                name = f"nested{turn}.ipynb"
                lab.write_notebook(name, [source, "x = 1"])
                with self._page() as (page, probe):
                    nb = Notebook(page, lab, name, [], [])
                    nb.open()
                    nb.wait_idle()
                    if lab is self.ours:
                        nb.enable()
                    nb.run(1)
                    page.wait_for_timeout(1_500)
                    before, began = probe.task_s(), time.monotonic()
                    with probe.profile() as profile:
                        nb.run(0)
                        took[lab is self.ours].append(time.monotonic() - began)
                        page.wait_for_timeout(1_500)
                    work[lab is self.ours].append(probe.task_s() - before)
                    stretch = max(stretch, profile.longest_ms)
        return [
            (f"(j) {count} nested runs in a cell, until it ended, with / without", median(took[True]) / median(took[False]), 1.2, "×"),
            ("    work of the main thread, with", median(work[True]), None, "s"),
            ("    work of the main thread, without", median(work[False]), None, "s"),
            ("    longest stretch of greencell's code", stretch, 50, "ms"),
        ]  # fmt: skip

    def _server_says(self, page: Page, seconds: float) -> list[str]:
        """The kernel's state, twice a second."""
        seen: list[str] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sessions = self.ours.get("/api/sessions")
            seen += [s["kernel"]["execution_state"] for s in sessions if s["path"] == "live.ipynb"]
            page.wait_for_timeout(500)
        return seen

    @staticmethod
    def _settle(page: Page, nb: Notebook) -> None:
        """The last record may come a moment after the cell."""
        nb.wait_idle()
        page.wait_for_timeout(1_500)

    @contextmanager
    def _page(self) -> Iterator[tuple[Page, Probe]]:
        context = self.chromium.new_context(viewport={"width": 1280, "height": 800})
        context.add_init_script(IN_PAGE)
        page = context.new_page()
        yield page, Probe(page)
        context.close()


if __name__ == "__main__":
    main()
