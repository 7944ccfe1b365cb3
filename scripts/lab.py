"""Opens JupyterLab on the first example with greencell's panel showing.

The panel is opened by a settings override of this one start; nothing in the user's own Jupyter
settings is touched.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = "examples/first-light.ipynb"


def main() -> None:
    """Replace this process by JupyterLab."""
    folder = ROOT / ".jupyter-lab" / "labconfig"
    folder.mkdir(parents=True, exist_ok=True)
    overrides = {"greencell:panel": {"openPanel": True}}
    (folder / "default_setting_overrides.json").write_text(json.dumps(overrides))
    environment = dict(os.environ)
    paths = [str(folder.parent), environment.get("JUPYTER_CONFIG_PATH", "")]
    environment["JUPYTER_CONFIG_PATH"] = os.pathsep.join(path for path in paths if path)
    arguments = [
        sys.executable, "-m", "jupyterlab", NOTEBOOK, f"--ServerApp.root_dir={ROOT}", *sys.argv[1:],
    ]  # fmt: skip
    os.chdir(ROOT)
    os.execve(sys.executable, arguments, environment)  # this is the whole job


if __name__ == "__main__":
    main()
