"""The titles of the International Patent Classification, as the office publishes them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock, convert
from marketplace.core.database import db
from marketplace.core.importing import Checked, Importer, Outcome, Summary, WrittenRow
from marketplace.core.tables import Column
from marketplace.core.unit_of_work import record

from . import titles
from .models import IpcTitle

_ASIDE: Final = re.compile(r"\s*[（(][^（()）]*[)）]")


def plain_title(text: str) -> str:
    """A title without the references in brackets, which name other places; not all in capitals."""
    while (shorter := _ASIDE.sub("", text)) != text:
        text = shorter
    text = " ".join(text.split()).strip(" ;；,，")
    return text.capitalize() if text.isupper() else text


class TitleImport(Importer):
    """Titles by symbol, in one language or both; what a list leaves out stays as it is."""

    permission = "ipc.import"
    columns = (
        Column("symbol", "分类号", convert.classification(), required=True, aliases=("code", "ipc")),
        Column("title_zh", "中文名称", convert.text(4000), aliases=("名称",)),
        Column("title_en", "英文名称", convert.text(8000)),
        # Columns of the published tables that say nothing more.
        Column("level", "层级", convert.text(100)),
        Column("title_zh_short", "中文简称", convert.text(4000)),
        Column("source_zh", "来源", convert.text(500)),
    )

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [str(values["symbol"])]

    def write(self, rows: Sequence[Checked]) -> list[Outcome]:
        wanted = {str(row.values["symbol"]): row for row in rows}
        held = {
            row.symbol: row
            for row in db.session.scalars(sa.select(IpcTitle).where(IpcTitle.symbol.in_(wanted)))
        }
        outcomes: list[Outcome] = []
        for row in rows:
            symbol = str(row.values["symbol"])
            said = {
                name: plain_title(row.values[name])[:1000]
                for name in ("title_zh", "title_en")
                if isinstance(row.values.get(name), str)
            }
            present = held.get(symbol)
            if present is None:
                empty = {"title_zh": "", "title_en": ""}
                held[symbol] = IpcTitle(symbol=symbol, entered_at=clock.now(), **empty | said)
                db.session.add(held[symbol])
                outcomes.append("created")
            elif any(getattr(present, name) != value for name, value in said.items()):
                for name, value in said.items():
                    setattr(present, name, value)
                present.entered_at = clock.now()
                outcomes.append("updated")
            else:
                outcomes.append("unchanged")
        return outcomes

    def finish(self, summary: Summary) -> None:
        """One entry for the whole list."""
        super().finish(summary)
        if summary.created or summary.updated:
            rows = summary.created + summary.updated
            record("ipc_titles.imported", WrittenRow(IpcTitle.__tablename__, 0), rows=rows)
            titles.forget()


IMPORTS: dict[str, type[Importer]] = {"ipc": TitleImport}
