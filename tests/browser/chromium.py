"""Find a Chromium, or get one: Playwright's own first, else Debian's package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HELP = "no Chromium for the browser tests: install one (apt install chromium, or playwright install chromium)"


def installed() -> str | None:
    """Path of a Chromium that is already here, or None."""
    for name in (os.environ.get("CHROMIUM"), *NAMES):
        if name and (found := shutil.which(name)):
            return found
    caches = [Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright"]
    patterns = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/Chromium")
    return next((str(hit) for cache in caches for pattern in patterns for hit in sorted(cache.glob(pattern))), None)


def find_or_install() -> str:
    """Path of a Chromium; RuntimeError with one clear line where none can be had."""
    if found := installed():
        return found
    commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        commands += [[*sudo, "apt-get", "update", "-q"], [*sudo, "apt-get", "install", "-y", "-q", "chromium"]]
    for command in commands:
        try:
            subprocess.run(command, check=False, capture_output=True, timeout=400)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if found := installed():
            return found
    raise RuntimeError(HELP)
