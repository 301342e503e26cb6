"""Run benchmarks and write their sections of docs/benchmarks.md: `make benchmark`, or some by name."""

from __future__ import annotations

import datetime as dt
import logging
import os
import platform
import re
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

MODULES = (
    "imports",
    "search",
    "matching",
    "index",
    "statistics",
    "workbench",
    "eligibility",
    "deals",
    "licences",
)
BY_NAME = ("million",)
"""What takes too long to be measured each time."""

TARGET = Path(__file__).parent.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make benchmark`, or section by section by `python -m benchmarks NAME`. The figures of a section
come from one run on one machine, and are medians where something is done more than once: trust ratios more
than figures.
"""


def main() -> None:
    """Run the modules named on the command line, or `MODULES`; what each `run()` gives is its section.

    A section is written as soon as it is measured; those of modules that are not run stay as they are.
    """
    logging.getLogger("marketplace.request").setLevel(logging.WARNING)  # no line for each of many requests
    for name in sys.argv[1:] or MODULES:
        print(f"{name} …", file=sys.stderr)
        text = _section(name)
        print(text)
        sections = _written() | {name: text}
        TARGET.write_text(
            "\n".join([HEAD, *(sections[name] for name in (*MODULES, *BY_NAME) if name in sections)]),
            encoding="utf-8",
        )


def _section(name: str) -> str:
    """Measure; what came out as a section with its day, machine and load."""
    load = os.getloadavg()[0]
    module = import_module(f"benchmarks.{name}")
    rows = module.run()
    columns: tuple[str, ...] = getattr(module, "COLUMNS", ("measured", "figure", "unit"))
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    lines = [
        f"## {name.capitalize()}",
        "",
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {machine}, load average before the run {load:.1f}.",
        "",
        _line(columns),
        f"|---|{'---:|' * (len(columns) - 1)}",
        *map(_line, rows),
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _written() -> dict[str, str]:
    """Name → section, of those that the document has."""
    text = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    found = re.split(r"^## (\w+)$", text, flags=re.MULTILINE)
    return {
        name.lower(): f"## {name}\n\n{body.strip()}\n"
        for name, body in zip(found[1::2], found[2::2], strict=True)
    }


if __name__ == "__main__":
    main()
