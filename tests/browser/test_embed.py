"""Figures in the notebook's file: only where somebody wants them, and as the file's word."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import nbformat

COUNT = (
    "() => [...window.jupyterapp.shell.currentWidget.content.model.cells]"
    ".filter(cell => cell.getMetadata('greencell') !== undefined).length"
)


def saved(nb: Any) -> Any:
    nb.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    return nbformat.read(nb.lab.root / nb.name, as_version=4)


def test_figures_are_written_and_taken_out_by_command(open_notebook: Any) -> None:
    """Off by default; the command line reads what was written; badges tell it is the file's."""
    nb = open_notebook(["x = sum(range(10**6))", "y = 2"])
    page = nb.page
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.run(1)
    page.wait_for_function("() => document.querySelectorAll(\"[data-gc='badge']\").length === 2")
    assert page.evaluate(COUNT) == 0
    nb.command("greencell:embed-figures")
    page.wait_for_function(f"() => ({COUNT})() === 2")
    file = saved(nb)
    assert {cell.metadata.greencell.cell_id for cell in file.cells} == {"c0", "c1"}
    assert "sum(range" not in json.dumps([cell.metadata for cell in file.cells])
    report = subprocess.run(
        [sys.executable, "-m", "greencell", "report", str(nb.lab.root / nb.name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert report.returncode == 0 and "From the file" in report.stdout

    other = open_notebook([], name=nb.name)
    badge = other.page.locator("[data-gc='badge'][data-cell-id='c0']")
    badge.wait_for(timeout=20_000)
    nb.command("greencell:strip-figures")
    page.wait_for_function(f"() => ({COUNT})() === 0")
    assert all("greencell" not in cell.metadata for cell in saved(nb).cells)


def test_what_a_file_says_is_no_figure_of_this_session(open_notebook: Any, lab: Any) -> None:
    """Dimmed, in no sum; edited, copied and hostile entries show no figure, nor what is taken out."""
    name = "from-a-file.ipynb"
    lab.write_notebook(name, ["x = 1", "x = 2", "x = 1", "x = 1"])
    path = lab.root / name
    file = nbformat.read(path, as_version=4)
    entry = {
        "schema": "greencell.cell.v1", "cell_id": "c0", "source_hash": "8ff436def1451285",
        "run": "s:1", "status": "ok", "started_at": "2026-01-31T09:00:01.000Z", "duration_s": 2.0,
        "energy_kwh": 1e-5, "energy_low_kwh": 9e-6, "energy_high_kwh": 1.1e-5,
        "co2_kg": 4.14e-7, "co2_low_kg": 4e-7, "co2_high_kg": 5e-7, "provenance": "measured",
        "zone": "FR", "intensity_g_per_kwh": 41.4, "flags": [],
    }  # fmt: skip
    file.cells[0].metadata["greencell"] = entry
    file.cells[1].metadata["greencell"] = {**entry, "cell_id": "c1"}  # edited since
    file.cells[2].metadata["greencell"] = entry  # a copy
    file.cells[3].metadata["greencell"] = {**entry, "cell_id": "c3", "energy_kwh": "<b>"}
    nbformat.write(file, path)

    nb = open_notebook([], name=name)
    page = nb.page
    page.locator("[data-gc='badge'][data-cell-id='c1']").wait_for(timeout=20_000)
    badges = {
        badge.get_attribute("data-cell-id"): badge.inner_text()
        for badge in page.locator("[data-gc='badge']").all()
    }
    assert set(badges) == {"c0", "c1"}
    assert badges["c0"].startswith("from the file:") and "10.0" in badges["c0"]
    assert "edited since it ran" in badges["c1"] and "Wh" not in badges["c1"]
    nb.show_panel()
    assert (
        page.locator("[data-gc='session-energy']").count() == 0
        or not page.locator("[data-gc='session-energy']").is_visible()
    )
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.type("y")
    page.locator("[data-gc='badge'][data-cell-id='c0']", has_text="edited since it ran").wait_for()
    nb.command("greencell:strip-figures")
    page.wait_for_function("() => !document.querySelector(\"[data-gc='badge']\")")
