"""The columns of the gazette's lists, by the names that it prints (GL V-11 §5)."""

from __future__ import annotations

from typing import Final

from marketplace.core import convert
from marketplace.core.tables import Column
from marketplace.listings.columns import FEE_FORM, RATE_BASE

_TITLES: Final = ("名称", "专利名称", "实用新型名称", "外观设计名称", "发明创造名称")


def shared() -> tuple[Column, ...]:
    """What every event prints: which patent, whose, and what it is called."""
    return (
        Column("patent_number", "专利号", convert.patent_number(), required=True, aliases=("申请号",)),
        Column("ipc", "主分类号", convert.listing(convert.classification()), aliases=("分类号", "IPC")),
        Column("title", "发明名称", convert.text(500), aliases=_TITLES),
    )


PATENTEES: Final = Column(
    "patentees", "专利权人", convert.listing(convert.text(200)), aliases=("专利权人名称",)
)
DECLARATION: Final = Column(
    "declaration_number", "开放许可声明编号", convert.text(40), aliases=("声明编号", "许可声明编号")
)
SOURCE: Final = Column("source", "来源", convert.text(200), aliases=("公报",))

ANNOUNCEMENTS: Final = (
    *shared(),
    DECLARATION,
    PATENTEES,
    Column("filing_date", "申请日", convert.date()),
    Column("grant_date", "授权公告日", convert.date()),
    Column(
        "payment_text",
        "许可使用费支付方式和标准",
        convert.text(4_000, lines=True),
        aliases=("支付方式和标准", "许可使用费的支付方式和标准", "许可使用费"),
    ),
    Column("term_text", "许可期限", convert.text(500)),
    Column("contact", "专利权人联系方式", convert.text(500), aliases=("联系方式",)),
    Column("announced_on", "声明生效日", convert.date(), required=True, aliases=("公告日", "声明公告日")),
    # Where the words leave a doubt, these say what they mean.
    Column("fee_form", "支付方式", convert.choice(FEE_FORM)),
    Column("fee", "固定费用", convert.yuan(), aliases=("入门费",)),
    Column("rate", "提成比例", convert.rate()),
    Column("rate_base", "提成基数", convert.choice(RATE_BASE)),
    Column("term_from", "许可期限起", convert.date()),
    Column("term_to", "许可期限止", convert.date()),
    SOURCE,
)

WITHDRAWALS: Final = (
    *shared(),
    DECLARATION,
    PATENTEES,
    Column("withdrawn_on", "声明撤回日", convert.date(), required=True, aliases=("撤回公告日", "撤回日")),
    Column("reason", "原因", convert.text(2_000, lines=True)),
)
