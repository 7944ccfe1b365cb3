"""What the built front end asks of JupyterLab: versions that every supported JupyterLab has."""

from __future__ import annotations

import re
from pathlib import Path

STATIC = Path(__file__).parents[2] / "greencell" / "labextension" / "static"
REQUEST = re.compile(r'shareKey:"(@jupyterlab/[\w-]+)"[^}]*?requiredVersion:"\^(\d+)\.(\d+)\.(\d+)')
OLDEST = (4, 2, 0)
"""The packages of JupyterLab 4.2; some of them count their own versions."""
OF_THEIR_OWN = {
    "@jupyterlab/apputils": (4, 3, 0),
    "@jupyterlab/coreutils": (6, 2, 0),
    "@jupyterlab/nbformat": (4, 2, 0),
    "@jupyterlab/observables": (5, 2, 0),
    "@jupyterlab/services": (7, 2, 0),
}


def test_no_package_of_jupyterlab_is_asked_for_in_a_version_that_old_ones_lack() -> None:
    """Else each such package is a warning in the browser's console ("Unsatisfied version")."""
    (entry,) = STATIC.glob("remoteEntry.*.js")

    asked = {name: tuple(map(int, floor)) for name, *floor in REQUEST.findall(entry.read_text())}

    assert "@jupyterlab/notebook" in asked, "the build is read as it is written today"
    too_new = {
        name: floor for name, floor in asked.items() if floor > OF_THEIR_OWN.get(name, OLDEST)
    }
    assert too_new == {}, 'give them a requiredVersion in package.json, "sharedPackages"'
