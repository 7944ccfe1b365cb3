"""Simulated hardware with known truth, to test greencell and code that uses it.

* ``FakeClock``: virtual time.
* ``FakeCounter``, ``FakeGauge``, ``FakeModel``: sources with known truth and faults.
* ``PowercapTree``: a powercap tree in a folder, for ``GREENCELL_SYSFS_ROOT``.
* ``HwmonTree``: chips of hwmon, rails and batteries in a folder, for the same.
* ``FakeNvml``: a library in the place of ``libnvidia-ml.so.1``, under the real bindings.
"""

from greencell.testing.clock import FakeClock
from greencell.testing.hwmon import HwmonTree
from greencell.testing.nvml import FakeNvml, NoCompiler
from greencell.testing.powercap import PowercapTree
from greencell.testing.sources import (
    FakeCounter,
    FakeGauge,
    FakeMachineClock,
    FakeModel,
    FakeTreeClock,
)

__all__ = [
    "FakeClock",
    "FakeCounter",
    "FakeGauge",
    "FakeMachineClock",
    "FakeModel",
    "FakeNvml",
    "FakeTreeClock",
    "HwmonTree",
    "NoCompiler",
    "PowercapTree",
]
