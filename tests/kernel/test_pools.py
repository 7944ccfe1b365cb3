"""Pools that live across cells: what they use is in the cells that use it, not in the one that ends them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(sys.platform != "linux", reason="the tree is walked in /proc"),
]

Start = Callable[..., Any]

BURNING = """
import time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
READINGS = """
import json
_meter = get_ipython()._greencell_extension.session
_began, _used = [], []
def _pre(info):
    _began.append(_meter.take().tree_s)
def _post(result):
    if _began:
        _used.append(_meter.take().tree_s - _began.pop())
get_ipython().events.register("pre_run_cell", _pre)
get_ipython().events.register("post_run_cell", _post)
import sys
sys.path.insert(0, "")
from burning import burn
"""
"""CPU seconds of each cell as greencell's own meter reads them, beside its hooks."""
POOLS = {
    "executor": (
        "from concurrent.futures import ProcessPoolExecutor\npool = ProcessPoolExecutor(2)",
        "_ = list(pool.map(burn, [0.2] * {}))",
        "pool.shutdown()",
    ),
    "multiprocessing": (
        "from multiprocessing import get_context\npool = get_context('forkserver').Pool(2)",
        "_ = pool.map(burn, [0.2] * {}, 1)",
        "pool.close(); pool.join()",
    ),
    "loky": (
        "import joblib\nfrom joblib.externals.loky import get_reusable_executor",
        "_ = joblib.Parallel(2, backend='loky')(joblib.delayed(burn)(0.2) for _ in range({}))",
        "get_reusable_executor().shutdown(wait=True)",
    ),
    "loky, killed": (
        "import joblib\nfrom joblib.externals.loky import get_reusable_executor",
        "_ = joblib.Parallel(2, backend='loky')(joblib.delayed(burn)(0.2) for _ in range({}))",
        "get_reusable_executor().shutdown(wait=True, kill_workers=True)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_is_billed_to_the_cells_that_use_it(
    start_kernel: Start, tmp_path: Path, name: str
) -> None:
    """0.8 and 0.4 CPU seconds where they were used; what ends the pool pays for its end alone."""
    (tmp_path / "burning.py").write_text(BURNING)
    opened, used, ended = POOLS[name]
    kernel = start_kernel()
    kernel.run(READINGS)
    cells = {
        "open": opened, "warm": used.format(2), "big": used.format(4), "small": used.format(2),
        "end": ended,
    }  # fmt: skip
    for cell_id, code in cells.items():
        run = kernel.run(code, cell_id=cell_id)
        assert run.reply["content"]["status"] == "ok", run.text
    seconds = json.loads(kernel.run("print(json.dumps(_used))").text)[-len(cells) :]
    found = dict(zip(cells, seconds, strict=True))
    records = [cell for cell in kernel.document()["cells"] if cell["cell_id"] in cells]

    assert found["big"] == pytest.approx(0.8, abs=0.2)
    assert found["small"] == pytest.approx(0.4, abs=0.15)
    assert found["end"] < 0.4  # all of the pool's is more than 1.6
    assert [record["cell_id"] for record in records] == list(cells)
    energy_kwh = {record["cell_id"]: record["energy_kwh"] for record in records}
    assert energy_kwh["end"] < energy_kwh["small"] < energy_kwh["big"]
