"""The shell around the views: commands, menus, keys, settings, and what outlives a reload."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def measuring(open_notebook: Any) -> Any:
    nb = open_notebook(["import time; time.sleep(0.6)", "b = 2"])
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.run(1)
    nb.page.wait_for_function(
        "() => document.querySelectorAll(\"[data-gc='cell-row']\").length === 2"
    )
    return nb


def registry(nb: Any, script: str) -> Any:
    """Ask JupyterLab's command registry."""
    return nb.page.evaluate(f"() => {{ const c = window.jupyterapp.commands; return {script}; }}")


def test_every_command_has_a_label_and_is_in_the_palette(measuring: Any) -> None:
    """And says which arguments it takes."""
    ids = registry(measuring, "c.listCommands().filter(id => id.startsWith('greencell:'))")
    assert {
        "greencell:open-panel", "greencell:enable", "greencell:export", "greencell:set-zone",
        "greencell:toggle-badges", "greencell:reset", "greencell:pause", "greencell:copy-markdown",
        "greencell:copy-statement",
    } <= set(ids)  # fmt: skip
    labels = registry(measuring, f"{json.dumps(ids)}.map(id => c.label(id))")
    assert all(label.strip() for label in labels)
    enabled = registry(measuring, f"{json.dumps(ids)}.map(id => [id, c.isEnabled(id)])")
    assert dict(enabled)["greencell:enable"] is False  # it measures already
    assert dict(enabled)["greencell:pause"] is True


def test_the_panel_opens_by_its_key_and_by_the_menu(measuring: Any) -> None:
    """No key of JupyterLab's own is taken."""
    page = measuring.page
    panel = page.locator("[data-gc='panel']")
    measuring.command("application:toggle-right-area")
    panel.wait_for(state="hidden")
    page.locator(".jp-Notebook .jp-InputPrompt").first.click()
    page.keyboard.press("Control+Alt+e")
    panel.wait_for(state="visible")
    taken = registry(
        measuring,
        "c.keyBindings.filter(b => /(Ctrl|Accel) Alt E/.test(b.keys.join())).map(b => b.command)",
    )
    assert taken == ["greencell:open-panel"]
    page.locator(".lm-MenuBar-item", has_text="View").click()
    assert page.locator(".lm-Menu-item[data-command='greencell:open-panel']").count() == 1
    page.keyboard.press("Escape")


def test_pausing_is_a_command_too(measuring: Any) -> None:
    """Its name says what it does next."""
    page = measuring.page
    assert "Pause" in registry(measuring, "c.label('greencell:pause')")
    measuring.command("greencell:pause")
    page.wait_for_function(
        "() => window.jupyterapp.commands.label('greencell:pause').startsWith('Go On')"
    )
    measuring.command("greencell:pause")
    page.wait_for_function(
        "() => window.jupyterapp.commands.label('greencell:pause').startsWith('Pause')"
    )


def test_the_view_outlives_a_reload(measuring: Any) -> None:
    """Open sections and the order of rows, as they were."""
    page = measuring.page
    page.locator("[data-gc='sort-time']").click()
    page.locator("[data-gc='method'] summary").click()
    page.wait_for_timeout(1_500)  # saved half a second later, and by JupyterLab after that
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    measuring.show_panel()
    page.locator("[data-gc='session-energy']").wait_for(timeout=20_000)
    page.wait_for_function(
        "() => document.querySelector(\"[data-gc='sort-time']\")?.getAttribute('aria-pressed')"
        " === 'true'"
    )
    assert page.locator("[data-gc='method']").get_attribute("open") is not None
    assert page.locator("[data-gc='what-if']").get_attribute("open") is None


def test_units_and_digits_change_at_once(measuring: Any) -> None:
    """Everywhere: the headline, the rows, the badges, the status bar."""
    page = measuring.page
    places = ("session-energy", "cell-row", "badge", "status")
    assert all("Wh" in page.locator(f"[data-gc='{p}']").first.inner_text() for p in places)
    page.evaluate(
        "() => window.jupyterapp.commands.execute('settingeditor:open', {query: 'greencell'})"
    )
    form = page.locator(".jp-PluginEditor, .jp-SettingsForm").first
    form.wait_for(timeout=20_000)
    select = page.locator("select[id*='energyUnit']").first
    select.wait_for(timeout=20_000)
    assert page.locator(".jp-SettingsPanel").inner_text().count("Digits") >= 1
    select.select_option(label="Joules (mJ, J, kJ)")
    page.wait_for_function(
        "() => { const t = document.querySelector(\"[data-gc='session-energy']\").textContent;"
        " return t.includes('J') && !t.includes('Wh'); }",
        timeout=20_000,
    )
    row = page.locator("[data-gc='cell-row']").first.inner_text()
    assert "Wh" not in row and "J" in row
    assert "Wh" not in page.locator("[data-gc='status']").inner_text()
