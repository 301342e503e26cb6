"""Poppler's `pdftotext` and `pdftoppm`, which read our PDF files as others do."""

import pathlib
import shutil

NAME = "poppler"


def find() -> pathlib.Path | None:
    """The folder with `pdftotext` and `pdftoppm`."""
    programs = [shutil.which("pdftotext"), shutil.which("pdftoppm")]
    return pathlib.Path(programs[0]).parent if programs[0] and programs[1] else None


def missing() -> str:
    """The command that brings poppler."""
    return "sudo apt-get install poppler-utils"
