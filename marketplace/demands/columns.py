"""What a firm says of its need, for the API and the pages; lists name the organisation besides."""

from __future__ import annotations

from typing import Final

from marketplace.core import convert
from marketplace.core.tables import Column

TITLE_LENGTH: Final = 300
DESCRIPTION_LENGTH: Final = 20_000

NEED: Final = (
    Column("external_id", "编号", convert.text(64), aliases=("id",)),
    Column("title", "标题", convert.text(TITLE_LENGTH), required=True),
    Column("description", "需求描述", convert.text(DESCRIPTION_LENGTH, lines=True), required=True),
    Column("ipc", "分类号", convert.listing(convert.classification())),
    Column("budget", "预算", convert.yuan()),
    Column("district", "所在区", convert.region()),
    Column("answer_by", "答复期限", convert.date()),
)
