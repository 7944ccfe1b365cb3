"""Kernels of all the kinds that a page may meet, as kernelspecs: real ipykernels, most of them bent."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

START = "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
WITHOUT = """import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name == "greencell":
            raise ModuleNotFoundError("No module named 'greencell'", name=name)
sys.meta_path.insert(0, Without())"""
"""As in an environment that has no greencell: importing it fails in the same way."""
SLOW = """import greencell, time  # as from a slow disk
load = greencell.load_ipython_extension
greencell.load_ipython_extension = lambda shell: (time.sleep({}), load(shell))"""
OTHER_WIRE = """import greencell.wire as wire, greencell.version as version
wire.WIRE_VERSION, wire.__version__ = {wire}, {greencell!r}
import greencell.control as control
control.WIRE_VERSION, control.__version__ = {wire}, {greencell!r}"""
MORTAL = """import pathlib, sys
flag = pathlib.Path({flag!r})
if flag.exists(): sys.exit(1)"""

NO_CHANNEL = "import greencell.extension as extension; extension.kernel_of = lambda shell: None"
"""As in xeus-python: greencell loads and measures, and has no way to tell a page."""


@dataclass(frozen=True)
class OddKernel:
    """A kernelspec; ``first`` runs before the kernel starts."""

    name: str
    display_name: str
    first: str = ""
    language: str = "python"
    env: dict[str, str] = field(default_factory=dict)

    def install(self, data: Path) -> None:
        """Write it into a Jupyter data folder."""
        folder = data / "kernels" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        spec = {
            "argv": [sys.executable, "-c", f"{self.first}\n{START}", "-f", "{connection_file}"],
            "display_name": self.display_name, "language": self.language, "env": self.env,
        }  # fmt: skip
        (folder / "kernel.json").write_text(json.dumps(spec))


BARE = OddKernel("bare", "Bare env", WITHOUT)
JULIA = OddKernel("julia", "Julia 1.11", language="julia")
SLOWLY = OddKernel("slowly", "Slow disk", SLOW.format(8))
HARDLY = OddKernel("hardly", "Slow disk", SLOW.format(120))
NEWER = OddKernel("newer", "Newer env", OTHER_WIRE.format(wire=2, greencell="0.9.0"))
MUTE = OddKernel("mute", "No ipykernel", NO_CHANNEL)
OLDER = OddKernel("older", "Older env", OTHER_WIRE.format(wire=0, greencell="0.0.9"))


def mortal(flag: Path) -> OddKernel:
    """One that cannot start again once the file is there, so its death is final."""
    return OddKernel("mortal", "Mortal", MORTAL.format(flag=str(flag)))


def on_hardware(sysfs: Path) -> OddKernel:
    """One whose machine has simulated meters."""
    return OddKernel("metered", "Metered", env={"GREENCELL_SYSFS_ROOT": str(sysfs)})
