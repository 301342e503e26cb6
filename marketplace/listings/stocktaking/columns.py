"""The columns of a list of the stock: one table for the template, the reader and the export."""

from __future__ import annotations

from typing import Final

from marketplace.core import convert
from marketplace.core.tables import Column

# Code → words of files; the first one is written.
WISH: Final = {
    "transfer": ("转让", "transfer"),
    "licence": ("许可", "license", "licensing"),
    "own_use": ("自行实施", "自行应用", "产业化", "自行应用或产业化", "own use"),
    "none": ("暂无", "无意愿"),
}
PRACTICE: Final = {
    "unknown": ("未知", "不详"),
    "none": ("未实施", "否"),
    "own": ("本单位实施", "自行实施", "是"),
    "licensed": ("被许可人实施", "许可实施"),
    "assigned": ("其他单位实施", "转让后实施"),
}
STATE: Final = {
    "entered": ("填报中",),
    "submitted": ("已提交",),
    "unit_approved": ("院系已审",),
    "approved": ("已审定",),
}
STANDING: Final = {
    "may_file": ("可声明",),
    "barred": ("有障碍",),
    "unknown": ("待核实",),
    "offered": ("已声明",),
}
KIND: Final = {"invention": ("发明",), "utility_model": ("实用新型",), "design": ("外观设计",)}

COLUMNS: Final = (
    Column(
        "number",
        "专利号",
        convert.patent_number(),
        required=True,
        aliases=("patent_number", "application_number", "申请号"),
    ),
    Column("unit", "所属院系", convert.text(400), aliases=("院系", "所属单位", "部门", "学院")),
    Column("inventor", "填报人", convert.text(254), aliases=("发明人", "负责人")),
    Column("grade", "分级", convert.text(60), aliases=("等级", "自评等级", "价值分级")),
    Column(
        "wish", "转化意愿", convert.listing(convert.choice(WISH, none="none")), aliases=("转化方式", "意愿")
    ),
    Column("practice", "实施情况", convert.choice(PRACTICE, none="none"), aliases=("已实施", "使用情况")),
    Column("practised_by", "实施主体", convert.text(200), aliases=("实施单位",)),
    Column("practised_how", "实施方式", convert.text(2_000, lines=True), aliases=("实施说明",)),
    Column("practised_since", "实施起始日", convert.date()),
    Column("note", "前景与说明", convert.text(4_000, lines=True), aliases=("备注", "产业化前景")),
)

# What an export says besides; a list that is read back may keep these columns, they are not looked at.
FURTHER: Final = (
    ("title", "名称"),
    ("kind", "专利类型"),
    ("ipc", "主分类号"),
    ("filing_date", "申请日"),
    ("grant_date", "授权公告日"),
    ("standing", "可否声明"),
    ("state", "审核状态"),
    ("changed_at", "更新时间"),
)
EXPORTED: Final = (
    "number", "title", "kind", "ipc", "filing_date", "grant_date", "standing", "state", "unit", "inventor",
    "grade", "wish", "practice", "practised_by", "practised_how", "practised_since", "note", "changed_at",
)  # fmt: skip


def headers(*, english: bool) -> list[str]:
    """The headers of an export, in one language."""
    names = {column.name: column.zh for column in COLUMNS} | dict(FURTHER)
    return [name if english else names[name] for name in EXPORTED]
