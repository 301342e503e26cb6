"""How fast lists go in, and whether memory stays flat: patents as CSV and as a spreadsheet into SQLite.

A process remembers its highest use of memory, so each size of file is read by a process of its own.
"""

from __future__ import annotations

import csv
import itertools
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flask_migrate
from openpyxl import Workbook

import config
from marketplace.app import create_app
from marketplace.core import importing
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.database import db
from marketplace.core.identifiers import check_digit

ROWS = 20_000
SIZES = (10_000, 100_000)  # rows of the files whose reading is held against each other
HEADER = (
    "专利号", "专利类型", "名称", "摘要", "分类号", "申请日", "授权公告日", "专利权人",
    "权利人地区", "法律状态", "年费缴至", "质押", "状态日期",
)  # fmt: skip
Figure = tuple[str, float, str]


def run() -> list[Figure]:
    """Name, figure and unit of each measurement."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text, book = folder / "patents.csv", folder / "patents.xlsx"
        _write(ROWS, text, book)
        for source, title in ((text, "CSV"), (book, "XLSX")):
            with _instance(folder / title):
                figures.append(
                    (f"import patents, {title}, new", round(ROWS / _seconds(source, ROWS)), "rows/s")
                )
                again = round(ROWS / _seconds(source, ROWS))
                figures.append((f"import patents, {title}, unchanged", again, "rows/s"))
        for title in ("CSV", "XLSX"):
            figures += _memory(folder, title)
    return figures


def _memory(folder: Path, title: str) -> list[Figure]:
    """The highest use of memory by processes that read a file of each size, and how they compare."""
    peaks = []
    for rows in SIZES:
        source = folder / f"{rows}.{title.lower()}"
        other = folder / "other"
        _write(rows, *((source, other) if title == "CSV" else (other, source)))
        command = (sys.executable, "-m", "benchmarks.imports", source, str(rows), folder / f"{title}{rows}")
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout.split()[-1]))
    figures: list[Figure] = [
        (f"import {rows:,} patents, {title}, peak memory of its process", round(peak / 1024), "MiB")
        for rows, peak in zip(SIZES, peaks, strict=True)
    ]
    ratio = round(peaks[1] / peaks[0], 2)
    times = SIZES[1] // SIZES[0]
    return [*figures, (f"ratio of the two, {title}, for {times} times the rows", ratio, "times")]


def _peak() -> int:
    """The most memory that this process has held at once, in KiB; `getrusage` would count the parent's."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    if found is None:
        raise RuntimeError("this system does not tell the highest use of memory")
    return int(found[1])


@contextmanager
def _instance(folder: Path) -> Iterator[None]:
    app = create_app(config.Settings.from_environment({"INSTANCE_DIR": str(folder)}))
    with app.app_context():
        flask_migrate.upgrade()
        yield
        db.session.remove()
        db.engine.dispose()


def _seconds(path: Path, rows: int) -> float:
    start = time.perf_counter()
    summary = importing.run("patents", path, actor=OPERATOR_COMMAND)
    if summary.rejected or summary.read != rows:
        raise RuntimeError(f"the benchmark's own rows were rejected: {summary.as_json()}")
    return time.perf_counter() - start


def _write(rows: int, text: Path, book: Path) -> None:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    with text.open("w", encoding="utf-8", newline="") as file:
        for row in itertools.chain([HEADER], map(_row, range(rows))):
            csv.writer(file).writerow(row)
            sheet.append(row)
    workbook.save(book)


def _row(serial: int) -> tuple[str, ...]:
    digits = f"20191{9_000_000 + serial:07d}"
    return (
        f"ZL{digits}.{check_digit(digits)}",
        "发明",
        f"一种示例装置及其使用方法{serial}",
        "本发明公开了一种示例装置，包括壳体、驱动件和控制件，用于测量导入速度。" * 4,
        "H01M10/0525；H01M4/36",
        "2019-03-01",
        "2021-06-01",
        f"示例单位{serial % 900}",
        "310112",
        "有效",
        "2027-02-28",
        "否",
        "2026-11-01",
    )


if __name__ == "__main__":
    with _instance(Path(sys.argv[3])):
        _seconds(Path(sys.argv[1]), int(sys.argv[2]))
    print(_peak())
