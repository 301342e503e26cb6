"""What a firm says of its need, for the API and the pages; lists name the organisation besides."""

from __future__ import annotations

from typing import Final

from marketplace.core import convert
from marketplace.core.tables import Column
from marketplace.listings.industries import industry_codes, industry_name

TITLE_LENGTH: Final = 300
DESCRIPTION_LENGTH: Final = 20_000
DESCRIBED_LENGTH: Final = 200

INDUSTRIES: Final = {
    code: (industry_name(code, english=False), industry_name(code, english=True))
    for code in sorted(industry_codes())
}
"""Divisions of GB/T 4754-2017 with their Chinese and English names."""

NEED: Final = (
    Column("external_id", "编号", convert.text(64), aliases=("id",)),
    Column("title", "标题", convert.text(TITLE_LENGTH), required=True),
    Column("description", "需求描述", convert.text(DESCRIPTION_LENGTH, lines=True), required=True),
    Column("confidential", "保密内容", convert.text(DESCRIPTION_LENGTH, lines=True)),
    Column("industry", "行业", convert.choice(INDUSTRIES)),
    Column("ipc", "分类号", convert.listing(convert.classification())),
    Column("budget", "预算", convert.yuan()),
    Column("district", "所在区", convert.region()),
    Column("answer_by", "答复期限", convert.date()),
)

FOR_WHOM: Final = (
    Column("named", "公开单位名称", convert.boolean()),
    Column("described_as", "单位描述", convert.text(DESCRIBED_LENGTH)),
)
"""Whether everybody reads the firm's name, and what they read in its place."""
