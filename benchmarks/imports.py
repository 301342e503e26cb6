"""How fast lists go in: patents as CSV into SQLite, first, again unchanged, and as a spreadsheet."""

from __future__ import annotations

import csv
import itertools
import resource
import tempfile
import time
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
        _write(text, book)
        for source, title in ((text, "CSV"), (book, "XLSX")):
            instance = folder / title
            app = create_app(config.Settings.from_environment({"INSTANCE_DIR": str(instance)}))
            with app.app_context():
                flask_migrate.upgrade()
                figures.append((f"import patents, {title}, new", _rate(source), "rows/s"))
                figures.append((f"import patents, {title}, unchanged", _rate(source), "rows/s"))
                db.session.remove()
                db.engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures.append(("import patents, peak memory of the process", round(peak), "MiB"))
    return figures


def _rate(path: Path) -> float:
    start = time.perf_counter()
    summary = importing.run("patents", path, actor=OPERATOR_COMMAND)
    if summary.rejected or summary.read != ROWS:
        raise RuntimeError(f"the benchmark's own rows were rejected: {summary.as_json()}")
    return round(ROWS / (time.perf_counter() - start))


def _write(text: Path, book: Path) -> None:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    with text.open("w", encoding="utf-8", newline="") as file:
        for row in itertools.chain([HEADER], map(_row, range(ROWS))):
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
