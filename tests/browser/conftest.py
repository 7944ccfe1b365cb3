"""Fixtures over a real JupyterLab and a real Chromium."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from lab_support import TOKEN, Lab, Notebook, running_chromium, running_lab

RESULTS = Path(__file__).resolve().parents[2] / "test-results"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """It ends with the file: as long as it lives, an event loop runs in this thread."""
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture
def open_notebook(lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A function that opens a notebook with the given cells in a page of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened: list[Notebook] = []

    def make(cells: list[str], name: str | None = None, *, page: Page | None = None) -> Notebook:
        name = (
            name
            or f"{request.node.name[:40].replace('[', '-').replace(']', '')}-{len(opened)}.ipynb"
        )
        if not (lab.root / name).exists():
            lab.write_notebook(name, cells)
        page = page or context.new_page()
        notebook = Notebook(page, lab, name, [], [])
        page.on("pageerror", lambda error: notebook.errors.append(str(error)))
        page.on("request", lambda sent: notebook.requests.append(sent.url))
        notebook.open()
        opened.append(notebook)
        return notebook

    yield make
    if getattr(request.node, "failed", False):
        RESULTS.mkdir(exist_ok=True)
        for index, notebook in enumerate(opened):
            notebook.page.screenshot(path=RESULTS / f"{request.node.name}-{index}.png")
    for kernel in lab.get("/api/kernels"):
        gone = urllib.request.Request(
            f"{lab.url}/api/kernels/{kernel['id']}",
            method="DELETE", headers={"Authorization": f"token {TOKEN}"},
        )  # fmt: skip
        urllib.request.urlopen(gone, timeout=20).close()
    context.close()
    lab.forget_what_was_set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.failed:
        item.failed = True  # type: ignore[attr-defined]  # read by open_notebook
    return report
