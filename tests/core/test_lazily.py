"""What a process loads before anybody asks it for something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SELDOM = ("alembic", "docx", "elasticsearch", "numpy", "openpyxl", "pyhanko", "pypinyin", "stripe", "typst")
BEGIN = "import sys; from marketplace.app import create_app; create_app(); print(*sys.modules)"


def test_a_process_begins_without_what_most_never_need(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN],
        env={"PATH": "", "INSTANCE_DIR": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "marketplace.deals.stripe_gateway" in loaded
    assert sorted(loaded.intersection(SELDOM)) == []
