"""A real JupyterLab server and a real Chromium, for tests and for screenshots.

Waits on facts, never on sleeps.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

TOKEN = "greencell-tests"
START_TIMEOUT_S = 60
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Lab:
    """A running server."""

    url: str
    root: Path

    def get(self, path: str) -> Any:
        """An answer of the server's REST interface."""
        request = urllib.request.Request(
            f"{self.url}{path}", headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    @property
    def _settings(self) -> Path:
        return self.root.parent / "settings"

    def set(self, plugin: str, **values: object) -> None:
        """Settings of a plugin (``package:name``), as a user has set them before the page opens."""
        package, _, name = plugin.partition(":")
        folder = self._settings / package
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(values))

    def forget_what_was_set(self) -> None:
        """Settings of greencell and notebooks, and the layout of windows, as a new user finds them."""
        notebooks = self._settings / "@jupyterlab" / "notebook-extension"
        for kept in (self._settings / "greencell", notebooks, self.root.parent / "workspaces"):
            shutil.rmtree(kept, ignore_errors=True)

    def write_notebook(self, name: str, cells: list[str], kernel: str = "python3") -> None:
        """A notebook with code cells whose ids are c0, c1, …"""
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {
            "name": kernel, "display_name": kernel, "language": "python",
        }  # fmt: skip
        for index, source in enumerate(cells):
            cell = nbformat.v4.new_code_cell(source)
            cell["id"] = f"c{index}"
            notebook.cells.append(cell)
        nbformat.write(notebook, self.root / name)


class LabFailed(Exception):
    """JupyterLab did not start; the end of its log tells."""


@contextlib.contextmanager
def running_lab(home: Path, *, app: str = "jupyterlab", **extra: str) -> Iterator[Lab]:
    """A server with folders of its own under ``home``; ``extra`` joins its environment.

    Args:
        app: ``jupyterlab``, or ``notebook`` for Jupyter Notebook 7.
    """
    root = home / "notebooks"
    root.mkdir()
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false, "doNotDisturbMode": false}'
    )
    # Whether a quick cell earns a line hangs on how the machine is: here each does.
    overrides = home / "config" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text('{"greencell:panel": {"badgeFromPercent": 0}}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "IPYTHONDIR": str(home / "ipython"),
        "TZ": "Europe/Paris",
        "GREENCELL_DATA_DIR": str(home / "history"),
        **extra,
    }
    log = (home / "server.log").open("w")
    server = subprocess.Popen(
        [
            sys.executable, "-m", app, "--no-browser", "--allow-root",
            f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1",
            f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=", "--LabApp.extension_manager=readonly",
            "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
        ],
        env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=root,
    )  # fmt: skip
    running = Lab(f"http://127.0.0.1:{port}", root)
    try:
        _wait_until_it_answers(running, server, home / "server.log")
        yield running
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(5)
        log.close()


def _wait_until_it_answers(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise LabFailed(f"JupyterLab ended at start:\n{log.read_text()[-3000:]}")
        try:
            lab.get("/api/status")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise LabFailed(f"JupyterLab does not answer:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    """A headless Chromium: the one on the PATH, else Playwright's own."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@dataclass
class Notebook:
    """A page on one notebook."""

    page: Page
    lab: Lab
    name: str
    errors: list[str]
    requests: list[str]

    def open(self) -> None:
        """Open it in a fresh workspace and wait for its kernel."""
        url = f"{self.lab.url}/lab/tree/{self.name}?reset&token={TOKEN}"
        self.page.goto(url)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.page.wait_for_function("() => !document.querySelector('.jp-Dialog')")

    def wait_idle(self, timeout_s: float = 60) -> None:
        """Wait until there is a kernel and it is idle; the page's mark says so without one too."""
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"
            " === 'idle'",
            timeout=timeout_s * 1000,
        )

    def command(self, command: str) -> None:
        """Run a JupyterLab command without waiting for its end."""
        self.page.evaluate("id => { void window.jupyterapp.commands.execute(id) }", command)

    def show_panel(self) -> None:
        """Open greencell's panel."""
        self.command("greencell:open-panel")
        self.page.wait_for_selector("[data-gc='panel']", state="visible")

    def run(self, index: int, *, wait: bool = True) -> None:
        """Run one cell; ``wait`` until it ended."""
        cell = self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{index}']")
        cell.locator(".jp-InputPrompt").click()
        self.page.keyboard.press("Control+Enter")
        if wait:
            cell.locator(".jp-InputPrompt", has_text="]:").filter(has_not_text="*").filter(
                has_not_text="[ ]"
            ).wait_for(timeout=60_000)

    def set_panel_width(self, width_px: int) -> None:
        """Drag the panel's edge until it is so wide; what covers a page for a moment takes no drag."""
        panel = self.page.locator("[data-gc='panel']")
        for _ in range(5):
            box = panel.bounding_box()
            assert box is not None
            if abs(box["width"] - width_px) <= 2:
                return
            edge, middle = box["x"] - 2, box["y"] + box["height"] / 2
            self.page.mouse.move(edge, middle)
            self.page.mouse.down()
            self.page.mouse.move(edge + box["width"] - width_px, middle, steps=3)
            self.page.mouse.up()
            self.page.wait_for_timeout(300)
        pytest.fail(f"the panel is not {width_px} px wide but {box['width']}")

    def enable(self) -> None:
        """Load greencell by the panel's button."""
        self.show_panel()
        self.page.locator("[data-gc='enable']").click()
        self.page.locator("[data-gc='session-energy']").wait_for(timeout=20_000)

    def export(self, name: str) -> None:
        """Choose an entry of the panel's list of exports."""
        self.page.locator("[data-gc='export']").click()
        self.page.get_by_role(
            "menuitem", name=re.compile(rf"(^|: ){re.escape(name)}")
        ).first.click()

    def number(self, mark: str, attribute: str) -> float:
        """A machine-readable figure of the panel."""
        text = self.page.locator(f"[data-gc='{mark}']").first.get_attribute(f"data-{attribute}")
        assert text is not None, f"{mark} has no {attribute}"
        return float(text)
