"""The system's Chromium, which Playwright drives."""

import os
import pathlib
import shutil

NAME = "Chromium"

ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses to run as root with its sandbox
]
"""What to start it with: no connection of its own, and no sandbox for root."""


def find() -> pathlib.Path | None:
    """The program, by the names that systems give it."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if program := shutil.which(name):
            return pathlib.Path(program)
    return None


def missing() -> str:
    """The command that brings Chromium, the fonts that show Chinese and what Playwright's driver needs."""
    return "sudo apt-get install chromium fonts-noto-cjk libatomic1"
