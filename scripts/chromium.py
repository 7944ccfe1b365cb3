"""Finds a Chromium for the browser tests and prints its path; installs one where it may.

In order: one on the PATH; Playwright's own, if it was downloaded or can be; on Debian and
Ubuntu as root, the distribution's package. None of these: one line, and a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DOWNLOAD_TIMEOUT_S = 300


def on_path() -> str | None:
    """A Chromium on the PATH."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def playwrights_own() -> str | None:
    """Playwright's own Chromium, if it is there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if path and os.path.exists(path) else None


def install() -> None:
    """Install one by whatever way is open; failures are told by what is found afterwards."""
    if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "chromium"],
            env=environment, check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"],
        check=False, timeout=DOWNLOAD_TIMEOUT_S,
    )  # fmt: skip


def find() -> str | None:
    """The path of a Chromium, or ``None``."""
    return on_path() or playwrights_own()


def main() -> int:
    """Find or install a Chromium."""
    path = find()
    if path is None:
        install()
        path = find()
    if path is None:
        print("The browser tests need Chromium: install it, e.g. apt-get install chromium.")
        return 1
    print(f"Chromium: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
