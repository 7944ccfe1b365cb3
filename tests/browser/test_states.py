"""Every state of the panel, in a real JupyterLab: what it says, and that the way out works."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, WebSocketRoute, expect

import odd_kernels
from greencell.testing import PowercapTree
from greencell.version import __version__
from lab_support import TOKEN, Lab, Notebook, running_lab

pytestmark = pytest.mark.browser

BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))"
NATIVE = """import time
began = time.perf_counter(); sum(range(3_000_000)); each = (time.perf_counter() - began) / 3e6
sum(range(int({} / each)))"""
"""One call that holds the interpreter for about so many seconds."""
DIE = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server with odd kernels, which gives up on a dead one quickly."""
    home = tmp_path_factory.mktemp("states")
    (home / "config").mkdir()
    (home / "config" / "jupyter_server_config.json").write_text(
        json.dumps({"KernelRestarter": {"time_to_dead": 0.5, "restart_limit": 2}})
    )
    for kernel in (
        odd_kernels.BARE, odd_kernels.JULIA, odd_kernels.SLOWLY, odd_kernels.NEWER, odd_kernels.MUTE,
        odd_kernels.OLDER, odd_kernels.mortal(home / "mortal"), odd_kernels.on_hardware(home / "sys"),
    ):  # fmt: skip
        kernel.install(home / "data")
    with running_lab(home) as lab:
        yield lab


@pytest.fixture
def open_on(lab: Lab, open_notebook: Any, request: pytest.FixtureRequest) -> Any:
    """A function that opens a notebook on a kernel by its name, with the panel."""

    def make(kernel: str, cells: list[str], *, page: Any = None) -> Notebook:
        name = f"{request.node.name}-{kernel}.ipynb".replace("[", "-").replace("]", "")
        lab.write_notebook(name, cells, kernel)
        notebook: Notebook = open_notebook(cells, name, page=page)
        notebook.show_panel()
        return notebook

    return make


def says(nb: Notebook, text: str) -> Locator:
    """The words of the panel where it has no figures of now, once they are these."""
    words = nb.page.locator("[data-gc='welcome']:visible", has_text=text)
    words.wait_for(timeout=30_000)
    primary = words.locator(".gc-mod-primary")
    assert primary.count() <= 1, "one thing to do at most"
    return words


def head(nb: Notebook, word: str) -> None:
    """The word beside the notebook's name."""
    expect(nb.page.locator(".gc-Head")).to_contain_text(word, timeout=30_000)


def measured(nb: Notebook) -> None:
    """Load greencell and have one row."""
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.page.locator("[data-gc='cell-row']").wait_for()


def last_figures_are_kept(nb: Notebook, words: str) -> None:
    """They stand below what happened, marked as ended, to copy but not to export."""
    box = says(nb, words)
    page = nb.page
    head(nb, "Ended")
    assert nb.number("session-energy", "energy-j") > 0
    assert page.locator("[data-gc='cell-row']").count() == 1
    assert page.locator("[data-gc='export']:visible").count() == 0
    assert page.locator("[data-gc='what-if']:visible").count() == 0
    assert "(ended)" in page.locator("[data-gc='status']").inner_text()
    assert "%greencell history" in box.inner_text()
    copies_the_last_figures(nb, box)


def copies_the_last_figures(nb: Notebook, box: Locator) -> None:
    """As Markdown, which says where it is from."""
    page = nb.page
    page.evaluate("() => { window.copied = ''; document.addEventListener('copy', "
                  "e => { window.copied = e.clipboardData.getData('text/plain') || "
                  "getSelection().toString() || document.activeElement.value }) }")  # fmt: skip
    box.locator("button", has_text="Copy these figures").click()
    page.locator(".jp-toast-message, .Toastify__toast", has_text="Copied").first.wait_for()
    assert "after the kernel had gone" in page.evaluate("() => window.copied")


def measuring_goes_on(nb: Notebook, words: str) -> None:
    """By itself: the last figures stay, to export too, until a cell begins the next session."""
    page = nb.page
    box = says(nb, words)
    page.get_by_text("Measuring goes on").wait_for(timeout=30_000)
    head(nb, "Ended")
    assert page.locator("[data-gc='enable']").count() == 0
    assert page.locator("[data-gc='cell-row']").count() == 1
    last_j = nb.number("session-energy", "energy-j")
    assert last_j > 0
    copies_the_last_figures(nb, box)
    told = exported(nb)
    assert told["totals"]["cells"] == len(told["cells"]) >= 1
    told_j = told["totals"]["energy_kwh"] * 3.6e6
    # A kernel that was killed told the history nothing of its last moments.
    assert told_j > 0 if "died" in words else told_j >= 0.9 * last_j

    nb.run(0)
    page.locator("[data-gc='notice']:visible", has_text="new session began").wait_for()
    expect(page.locator("[data-gc='cell-row']")).to_have_count(1)
    assert page.locator("[data-gc='welcome']:visible").count() == 0
    head(nb, "Idle")
    assert exported(nb)["session"]["id"] != told["session"]["id"]
    page.locator("[data-gc='export-last']").press("Enter")
    with page.expect_download() as download:
        page.keyboard.press("Enter")  # the first of the list
    assert json.loads(download.value.path().read_text())["session"]["id"] == told["session"]["id"]


def exported(nb: Notebook) -> dict[str, Any]:
    """What the user gets who exports now."""
    with nb.page.expect_download() as download:
        nb.command("greencell:export")
    found: dict[str, Any] = json.loads(download.value.path().read_text())
    return found


def measuring_begins_anew(nb: Notebook, words: str = "new session began") -> None:
    """From the button on: no rows, and the session before is told of."""
    nb.page.locator("[data-gc='enable']").click()
    notice = nb.page.locator("[data-gc='notice']:visible", has_text=words)
    notice.wait_for(timeout=30_000)
    expect(nb.page.locator("[data-gc='cell-row']")).to_have_count(0)
    assert nb.page.locator("[data-gc='export']:visible").count() == 1


def test_no_notebook(lab: Lab, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{lab.url}/lab?reset&token={TOKEN}")
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget", timeout=60_000)
    nb = Notebook(page, lab, "", [], [])
    nb.show_panel()
    says(nb, "Open a notebook to see what its cells cost.")
    context.close()


def test_no_kernel_keeps_the_figures_and_starts_another(open_on: Any) -> None:
    nb = open_on("python3", ["a = 1"])
    measured(nb)
    nb.command("kernelmenu:shutdown")
    last_figures_are_kept(nb, "The kernel was shut down.")
    nb.page.locator("[data-gc='start-kernel']").click()
    nb.wait_idle()
    measuring_begins_anew(nb)
    assert nb.errors == []


def test_always_is_remembered(open_on: Any, lab: Lab) -> None:
    """One button and one box; the next notebook measures by itself."""
    settings = lab.root.parent / "settings" / "greencell" / "panel.jupyterlab-settings"
    try:
        nb = open_on("python3", ["a = 1"])
        box = says(nb, "not measured yet")
        with nb.page.expect_response(lambda got: "greencell:panel" in got.url and got.ok):
            box.locator("input").check()
        assert '"autoload": true' in settings.read_text()
        box.locator("[data-gc='enable']").click()
        nb.page.locator("[data-gc='session-energy']").wait_for()

        other = open_on("slowly", ["a = 1"])
        other.page.locator("[data-gc='session-energy']").wait_for(timeout=30_000)
    finally:
        settings.unlink(missing_ok=True)


def test_not_installed_names_the_kernel_and_the_line(open_on: Any) -> None:
    nb = open_on("bare", ["import sys; del sys.meta_path[0]"])
    nb.wait_idle()
    nb.page.locator("[data-gc='enable']").click()
    box = says(nb, "where the kernel “Bare env” runs")
    assert (
        box.locator("[data-gc='command']").inner_text() == f"%pip install greencell=={__version__}"
    )
    head(nb, "Not measuring")

    nb.run(0)  # stands for the line: from here on the kernel finds greencell
    box.locator("[data-gc='enable']").click()
    nb.page.locator("[data-gc='session-energy']").wait_for(timeout=20_000)


def test_a_kernel_without_a_channel_says_what_works_there(open_on: Any) -> None:
    """It measures, so nothing is said of a failure; the lines that are named do show figures."""
    nb = open_on("mute", ["a = 1", "%greencell", "%greencell panel"])
    nb.wait_idle()
    nb.run(0)
    nb.page.locator("[data-gc='enable']").click()
    box = says(nb, "greencell measures in the kernel “No ipykernel”")
    head(nb, "Measuring")
    assert "did not start" not in box.inner_text()
    assert box.locator("[data-gc='command']").all_inner_texts() == [
        "%greencell",
        "%greencell panel",
    ]
    assert box.locator("[data-gc='enable']").count() == 0

    nb.run(0)
    for index in (1, 2):
        nb.run(index)
        output = nb.page.locator(".jp-Cell").nth(index).locator(".jp-OutputArea-output").last
        expect(output).to_contain_text("Wh")
    assert nb.errors == []


def test_starting(open_on: Any) -> None:
    nb = open_on("slowly", ["a = 1"])
    nb.wait_idle()
    nb.page.locator("[data-gc='enable']").click()
    says(nb, "Starting to measure…")
    head(nb, "Starting…")
    nb.page.locator("[data-gc='session-energy']").wait_for(timeout=20_000)


def test_queued_behind_a_busy_kernel(open_on: Any) -> None:
    nb = open_on("python3", [BUSY.format(4)])
    nb.wait_idle()
    nb.run(0, wait=False)
    nb.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
    )
    nb.page.locator("[data-gc='enable']").click()
    says(nb, "The kernel is busy; measuring starts when its cells have ended.")
    nb.page.locator("[data-gc='session-energy']").wait_for(timeout=20_000)


def test_measuring_and_paused(open_on: Any) -> None:
    nb = open_on("python3", ["a = 1", BUSY.format(60)])
    measured(nb)
    head(nb, "Idle")
    nb.run(1, wait=False)
    head(nb, "Measuring")
    nb.command("notebook:interrupt-kernel")
    head(nb, "Idle")
    nb.page.get_by_role("button", name="Pause", exact=True).click()
    head(nb, "Paused")
    nb.page.get_by_text("Paused: nothing is counted").wait_for()
    nb.page.get_by_role("button", name="Count again").click()
    head(nb, "Idle")


def test_busy_without_ticks_and_a_page_that_comes_meanwhile(open_on: Any) -> None:
    """Native code holds the interpreter: time goes on, power is not claimed, and all catches up."""
    nb = open_on("python3", ["a = 1", NATIVE.format(25)])
    measured(nb)
    nb.run(1, wait=False)
    page = nb.page
    page.get_by_text("native code holds the interpreter; the figures will catch up").wait_for(
        timeout=20_000
    )
    assert page.locator("[data-gc='power']").get_attribute("data-power-w") is None
    assert "⚡ – |" in page.locator("[data-gc='status']").inner_text()
    assert "· – …" in page.locator("[data-gc='badge']").nth(1).inner_text()

    page.goto(page.url.replace("?reset", "?"))
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    nb.show_panel()
    says(nb, "The kernel has not answered yet")
    page.wait_for_function(
        "() => document.querySelectorAll(\"[data-gc='cell-row']\").length === 2", timeout=60_000
    )
    assert page.locator("[data-gc='welcome']:visible").count() == 0


def test_a_source_that_goes_away_is_told_and_the_headline_says_at_least(
    open_on: Any, lab: Lab
) -> None:
    tree = PowercapTree(lab.root.parent / "sys")
    tree.add("package-0", 40.0)
    tree.run(0.005)
    try:
        nb = open_on("metered", ["a = 1", BUSY.format(60)])
        measured(nb)
        nb.run(1, wait=False)
        nb.page.locator("[data-gc='cell-running']").wait_for()
        tree.vanish("package-0")
        notice = nb.page.locator("[data-gc='notice'].gc-mod-warning").first
        notice.wait_for(timeout=30_000)
        assert "rapl:package-0" in notice.inner_text()
        assert "greencell doctor" in notice.inner_text(), "a notice comes with its remedy"
        nb.command("notebook:interrupt-kernel")
        expect(nb.page.locator("[data-gc='session-energy']")).to_contain_text("≥", timeout=20_000)
    finally:
        tree.close()


def test_a_kernel_that_died_and_came_back(open_on: Any) -> None:
    nb = open_on("python3", ["a = 1", DIE])
    measured(nb)
    nb.run(1, wait=False)
    says(nb, "The kernel died.")
    close_dialogs(nb)
    measuring_goes_on(nb, "The kernel died.")
    assert "The kernel died" in nb.page.locator("[data-gc='notice']:visible").first.inner_text()


def test_a_kernel_that_is_dead(open_on: Any, lab: Lab) -> None:
    """The server gave up on it; a button starts another."""
    flag = lab.root.parent / "mortal"
    flag.unlink(missing_ok=True)
    nb = open_on("mortal", ["a = 1", f"open({str(flag)!r}, 'w').close()\n{DIE}"])
    measured(nb)
    nb.run(1, wait=False)
    nb.page.locator("[data-gc='start-kernel']").wait_for(timeout=40_000)
    close_dialogs(nb)
    last_figures_are_kept(nb, "The kernel died.")
    flag.unlink()
    nb.page.locator("[data-gc='start-kernel']").click()
    nb.wait_idle()
    measuring_begins_anew(nb)


def test_a_restarted_kernel(open_on: Any) -> None:
    nb = open_on("python3", ["a = 1"])
    measured(nb)
    nb.command("kernelmenu:restart")
    nb.page.locator(".jp-Dialog .jp-mod-accept").click()
    measuring_goes_on(nb, "The kernel was restarted.")
    assert nb.errors == []


def test_a_restart_that_runs_all_measures_all(open_on: Any) -> None:
    """Measuring is back before the first cell, though all are on their way at once."""
    nb = open_on("python3", ["a = 1", "b = 2", "c = 3"])
    measured(nb)
    nb.command("runmenu:restart-and-run-all")
    nb.page.locator(".jp-Dialog .jp-mod-accept").click()
    nb.page.locator("[data-gc='notice']:visible", has_text="new session began").wait_for(
        timeout=60_000
    )
    expect(nb.page.locator("[data-gc='cell-row']")).to_have_count(3)


def test_a_cell_that_loads_it_prints_nothing_else_after_a_restart(open_on: Any) -> None:
    """It was on, so it goes on; the notebook's own line finds it loaded, and says nothing of that."""
    nb = open_on("python3", ["%load_ext greencell", "a = 1"])
    nb.wait_idle()
    nb.run(0)
    nb.run(1)
    nb.page.locator("[data-gc='cell-row']").wait_for()
    nb.command("kernelmenu:restart")
    nb.page.locator(".jp-Dialog .jp-mod-accept").click()
    nb.page.get_by_text("Measuring goes on").wait_for(timeout=30_000)
    nb.run(0)
    assert "already loaded" not in nb.page.locator(".jp-Cell").first.inner_text()
    nb.run(1)
    nb.page.locator("[data-gc='cell-row'][data-cell-id='c1']").wait_for()


def test_what_a_cell_unloaded_stays_unloaded(open_on: Any) -> None:
    """The panel sees it, keeps the figures, and loads nothing by itself after a restart."""
    nb = open_on("python3", ["a = 1", "%unload_ext greencell"])
    measured(nb)
    nb.run(1)
    last_figures_are_kept(nb, "no longer loaded in this kernel")
    nb.command("kernelmenu:restart")
    nb.page.locator(".jp-Dialog .jp-mod-accept").click()
    nb.wait_idle()
    says(nb, "no longer loaded in this kernel")
    nb.page.wait_for_timeout(1_500)
    assert nb.page.locator("[data-gc='enable']").count() == 1


def test_another_kernel_keeps_the_last_figures(open_on: Any) -> None:
    """As a restart does; a kernel that comes back goes on where it was."""
    nb = open_on("python3", ["a = 1"])
    measured(nb)
    context = "window.jupyterapp.shell.currentWidget.sessionContext"
    first = nb.page.evaluate(f"() => {context}.session.kernel.id")
    energy_j = nb.number("session-energy", "energy-j")
    nb.page.evaluate(f"async () => {{ await {context}.changeKernel({{ name: 'slowly' }}) }}")
    last_figures_are_kept(nb, "This notebook has another kernel.")
    assert nb.number("session-energy", "energy-j") >= energy_j
    measuring_begins_anew(nb, "in the one before had used")
    assert nb.page.evaluate(f"() => {context}.session.kernel.id") != first
    assert nb.errors == []


def test_other_languages(open_on: Any) -> None:
    nb = open_on("julia", ["a = 1"])
    box = says(nb, "greencell measures Python kernels; the kernel “Julia 1.11”")
    assert box.locator("button").count() == 0


@pytest.mark.parametrize(
    ("kernel", "version", "word", "command"),
    [
        ("newer", "0.9.0, wire 2", "newer", "pip install --upgrade greencell==0.9.0"),
        ("older", "0.0.9, wire 0", "older", f"%pip install --upgrade greencell=={__version__}"),
    ],
)
def test_other_versions(open_on: Any, kernel: str, version: str, word: str, command: str) -> None:
    """Both are named, and what to run where; also to a page that comes later."""
    nb = open_on(kernel, ["%load_ext greencell"])
    nb.wait_idle()
    nb.run(0)
    for _ in range(2):
        box = says(nb, f"({version}) is {word} than this page’s ({__version__}, wire 1)")
        assert box.locator("[data-gc='command']").inner_text() == command
        head(nb, "Not measuring")
        nb.page.goto(nb.page.url.replace("?reset", "?"))
        nb.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        nb.show_panel()


def test_disconnected(open_on: Any, browser: Browser) -> None:
    """The page says so, claims no power, and is right again when it is back."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    routes: list[WebSocketRoute] = []
    cut = False

    def pass_on(route: WebSocketRoute) -> None:
        if cut:
            route.close(code=1001)
        else:
            route.connect_to_server()
            routes.append(route)

    page.route_web_socket("**/channels**", pass_on)
    nb = open_on("python3", ["a = 1", BUSY.format(60)], page=page)
    measured(nb)
    nb.run(1, wait=False)
    page.locator("[data-gc='cell-running']").wait_for()
    cut = True
    routes[-1].close(code=1001)
    head(nb, "No connection")
    page.get_by_text("No connection to the kernel").first.wait_for()
    assert "as of" in page.locator("[data-gc='as-of']").inner_text()
    assert page.locator("[data-gc='power']").get_attribute("data-power-w") is None
    before = nb.number("session-energy", "energy-j")
    cut = False
    nb.command("kernelmenu:reconnect-to-kernel")
    head(nb, "Measuring")
    page.wait_for_function(
        "e => +document.querySelector(\"[data-gc='session-energy']\").dataset.energyJ > e",
        arg=before, timeout=30_000,
    )  # fmt: skip
    context.close()


def test_a_computer_that_is_offline_is_not_called_native_code(open_on: Any) -> None:
    """The browser closes no connection then: the panel finds out, says so, and catches up."""
    nb = open_on("python3", ["a = 1", BUSY.format(60)])
    measured(nb)
    nb.run(1, wait=False)
    nb.page.locator("[data-gc='cell-running']").wait_for()
    nb.page.context.set_offline(True)
    expect(nb.page.locator("[data-gc='panel']")).to_contain_text("No connection", timeout=30_000)
    assert nb.page.get_by_text("native code").count() == 0
    nb.page.context.set_offline(False)
    head(nb, "Measuring")
    nb.command("notebook:interrupt-kernel")
    head(nb, "Idle")


def close_dialogs(nb: Notebook) -> None:
    """JupyterLab tells of a kernel's death in a dialog of its own."""
    deadline = time.monotonic() + 10
    dialog = nb.page.locator(".jp-Dialog .jp-mod-accept")
    while dialog.count() == 0 and time.monotonic() < deadline:
        nb.page.wait_for_timeout(50)
    while dialog.count():
        dialog.first.click()
        nb.page.wait_for_timeout(50)
