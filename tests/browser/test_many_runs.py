"""Many runs in a moment, in a real JupyterLab: all are there, and the page stays free."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

RUNS = 1_500
NESTED = f"ip = get_ipython()\nfor _ in range({RUNS}): ip.run_cell('x = 1')"
QUICK = 60

WATCH = """() => {
  window.drawn = 0;
  new MutationObserver(() => { window.drawn += 1; }).observe(
    document.querySelector("[data-gc='panel']"), {subtree: true, childList: true, characterData: true, attributes: true});
}"""
"""Counts how often the panel changes: once for all that is drawn in one go."""
KNOWN = "n => +document.querySelector('.gc-Cells').getAttribute('aria-rowcount') === n"


def test_many_nested_runs_are_all_known_and_drawn_in_few_goes(open_notebook: Any) -> None:
    nb = open_notebook(["x = 1", NESTED])
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.page.locator("[data-gc='cell-row']").wait_for()
    nb.page.evaluate(WATCH)
    nb.run(1)
    nb.page.wait_for_function(KNOWN, arg=RUNS + 2, timeout=60_000)
    assert nb.page.evaluate("() => window.drawn") < RUNS / 5
    assert nb.page.locator("[data-gc='badge']").count() == 2
    assert nb.errors == []


def test_quick_cells_of_a_notebook_show_no_running_row_and_are_all_known(
    open_notebook: Any,
) -> None:
    """A row that comes and goes for each of them would make the list jump."""
    nb = open_notebook([f"x = {index}" for index in range(QUICK)])
    nb.wait_idle()
    nb.enable()
    nb.run(0)
    nb.page.locator("[data-gc='cell-row']").wait_for()
    nb.page.evaluate("""() => {
      window.appeared = 0;
      const row = document.querySelector("[data-gc='cell-running']");
      let was = row.hidden;
      new MutationObserver(() => { window.appeared += was && !row.hidden ? 1 : 0; was = row.hidden; })
        .observe(row, {attributes: true});
    }""")
    nb.command("runmenu:run-all")
    nb.page.wait_for_function(KNOWN, arg=QUICK + 1, timeout=60_000)
    # On a busy machine one or the other may take its time.
    assert nb.page.evaluate("() => window.appeared") < QUICK / 3
    assert nb.errors == []
