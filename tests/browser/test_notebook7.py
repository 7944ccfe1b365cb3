"""Jupyter Notebook 7 with the same extension: panel, badges, commands; it has no status bar."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage

from lab_support import TOKEN, Notebook, running_lab

pytest.importorskip("notebook")
pytestmark = pytest.mark.browser

WORK = "import time\nend = time.monotonic() + 1.2\nwhile time.monotonic() < end: sum(range(1000))"
OWN_ERROR = "reading 'schema'"
"""Notebook 7's page throws this by itself, with and without greencell."""


class Notebook7(Notebook):
    """A page of Notebook 7 on one notebook, and what its console says."""

    def open(self) -> None:
        """Each notebook is a page of its own."""
        self.console: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda sent: self.requests.append(sent.url))
        self.page.goto(f"{self.lab.url}/notebooks/{self.name}?token={TOKEN}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console.append(message.text)

    def check(self) -> None:
        """Nothing of ours failed, and nobody was asked anything."""
        assert [error for error in self.errors if OWN_ERROR not in error] == []
        assert len(self.errors) <= 1  # the page throws it once
        assert [line for line in self.console if "greencell" in line.lower()] == []
        assert all(url.startswith((self.lab.url, "data:", "blob:")) for url in self.requests)


@pytest.fixture(scope="module")
def notebook7(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Notebook7]:
    with running_lab(tmp_path_factory.mktemp("notebook7"), app="notebook") as lab:
        lab.write_notebook("seven.ipynb", ["x = 1", WORK])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        opened = Notebook7(context.new_page(), lab, "seven.ipynb", [], [])
        opened.open()
        opened.wait_idle()
        yield opened
        context.close()


def test_panel_badges_and_figures(notebook7: Notebook7) -> None:
    """The command opens the panel; a cell has a row and a badge with the same energy."""
    nb = notebook7
    nb.enable()
    nb.run(1)
    row = nb.page.locator("[data-gc='cell-row'][data-cell-id='c1']")
    row.wait_for(timeout=20_000)
    badge = nb.page.locator("[data-gc='badge'][data-cell-id='c1']")
    badge.wait_for(timeout=20_000)

    assert nb.number("session-energy", "energy-j") > 0
    assert nb.number("session-co2", "co2-g") > 0
    assert badge.get_attribute("data-energy-j") == row.get_attribute("data-energy-j")
    assert nb.page.locator("[data-gc='panel']").bounding_box()["width"] >= 250  # type: ignore[index]
    assert nb.page.locator("[data-gc='status']").count() == 0
    wider = nb.page.evaluate(
        """() => {
          const panel = document.querySelector("[data-gc='panel']");
          return panel.scrollWidth - panel.clientWidth;
        }"""
    )
    assert wider == 0
    nb.check()


def test_history_and_what_if_answer(notebook7: Notebook7) -> None:
    """What the kernel is asked is the same as in JupyterLab."""
    nb = notebook7
    nb.show_panel()
    for mark, inside in (("what-if", "elsewhere-row"), ("history", "history-session")):
        section = nb.page.locator(f"[data-gc='{mark}']")
        section.locator("summary").click()
        section.locator(f"[data-gc='{inside}']").first.wait_for(timeout=15_000)
    nb.check()


def test_commands_work(notebook7: Notebook7) -> None:
    """Badges go and come back; the others are there."""
    nb = notebook7
    badges = nb.page.locator("[data-gc='badge']:visible")
    nb.command("greencell:toggle-badges")
    nb.page.wait_for_function("() => !document.querySelector(\"[data-gc='badge']:not([hidden])\")")
    nb.command("greencell:toggle-badges")
    badges.first.wait_for(timeout=10_000)
    listed = nb.page.evaluate(
        "() => window.jupyterapp.commands.listCommands().filter(id => id.startsWith('greencell:'))"
    )
    assert {
        "greencell:open-panel", "greencell:enable", "greencell:export", "greencell:set-zone",
        "greencell:reset",
    } <= set(listed)  # fmt: skip
    nb.check()
