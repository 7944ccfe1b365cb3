"""Simulated hardware with known truth, to test greencell and code that uses it.

* ``FakeClock``: virtual time.
* ``FakeCounter``, ``FakeGauge``, ``FakeModel``: sources with known truth and faults.
* ``PowercapTree``: a powercap tree in a folder, for ``GREENCELL_SYSFS_ROOT``.
* ``HwmonTree``: chips of hwmon, rails and batteries in a folder, for the same.
* ``FakePerf``: a kernel with perf's power events.
* ``FakeNvml``: a library in the place of ``libnvidia-ml.so.1``, under the real bindings.
* ``FakeAmdSmi``, ``FakeAppleMonitor``, ``FakeEmiDevice``: AMD's, Apple's and Windows' own ways.
"""

from greencell.testing.amdsmi import FakeAmdGpu, FakeAmdSmi
from greencell.testing.apple import FakeAppleMonitor
from greencell.testing.clock import FakeClock
from greencell.testing.emi import FakeEmiDevice
from greencell.testing.hwmon import HwmonTree
from greencell.testing.nvml import FakeNvml, NoCompiler
from greencell.testing.perf import FakePerf
from greencell.testing.powercap import PowercapTree
from greencell.testing.sources import (
    FakeCounter,
    FakeGauge,
    FakeMachineClock,
    FakeModel,
    FakeTreeClock,
)

__all__ = [
    "FakeAmdGpu",
    "FakeAmdSmi",
    "FakeAppleMonitor",
    "FakeClock",
    "FakeCounter",
    "FakeEmiDevice",
    "FakeGauge",
    "FakeMachineClock",
    "FakeModel",
    "FakeNvml",
    "FakePerf",
    "FakeTreeClock",
    "HwmonTree",
    "NoCompiler",
    "PowercapTree",
]
