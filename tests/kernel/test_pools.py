"""Pools that live across cells: their CPU time is in the cells that used it, not in the one that ends them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(sys.platform != "linux", reason="the tree is walked in /proc"),
]

Start = Callable[..., Any]

WORK = """
import sys, time
from pathlib import Path
Path("burning.py").write_text('''
import time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
''')
sys.path.insert(0, "")
import joblib
from concurrent.futures import ProcessPoolExecutor
from burning import burn
"""
POOLS = {
    "executor": {
        "big": "pool = ProcessPoolExecutor(2)\n_ = list(pool.map(burn, [0.4] * 4))",
        "small": "_ = list(pool.map(burn, [0.4] * 2))",
        "closing": "pool.shutdown()",
    },
    "multiprocessing": {
        "big": "import multiprocessing\npool = multiprocessing.Pool(2)\n_ = pool.map(burn, [0.4] * 4, 1)",
        "small": "_ = pool.map(burn, [0.4] * 2, 1)",
        "closing": "pool.close(); pool.join()",
    },
    "loky": {
        "big": "_ = joblib.Parallel(2)(joblib.delayed(burn)(0.4) for _ in range(4))",
        "small": "_ = joblib.Parallel(2)(joblib.delayed(burn)(0.4) for _ in range(2))",
        "closing": "from joblib.externals.loky import get_reusable_executor\nget_reusable_executor().shutdown(wait=True)",
    },
}
