"""Run every benchmark and write docs/benchmarks.md: `make benchmark`."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sys
from importlib import import_module
from pathlib import Path

MODULES = ("imports", "search", "matching", "index", "statistics", "workbench", "eligibility")
TARGET = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main() -> None:
    """Run the modules named on the command line, or all; each module's `run()` gives (name, figure, unit)."""
    chosen = sys.argv[1:] or list(MODULES)
    machine = (
        f"Run on {dt.datetime.now(dt.UTC):%Y-%m-%d}: Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {platform.machine()}."
    )
    lines = [
        "# Benchmarks",
        "",
        "Written by `make benchmark`. Medians of one run on one machine: trust ratios more than figures.",
        "",
        machine,
    ]
    for name in chosen:
        print(f"{name} …", file=sys.stderr)
        rows = import_module(f"benchmarks.{name}").run()
        lines += ["", f"## {name.capitalize()}", "", "| measured | figure | unit |", "|---|---:|---|"]
        lines += [f"| {what} | {figure} | {unit} |" for what, figure, unit in rows]
    text = "\n".join(lines) + "\n"
    print(text)
    if chosen == list(MODULES):
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
