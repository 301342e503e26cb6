"""The columns of a list of another platform's offers."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from marketplace.core import convert
from marketplace.core.convert import InvalidValue
from marketplace.core.tables import Column
from marketplace.listings.columns import FEE_FORM, RATE_BASE

_plain = convert.text(1_000)


def web_address(cell: object) -> str | None:
    """A full address that a browser may follow: http or https, with a host.

    Raises:
        InvalidValue: address-form, text-too-long.
    """
    value = _plain(cell)
    if value is None:
        return None
    text = str(value)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise InvalidValue("address-form", text) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s<>\"]", text):
        raise InvalidValue("address-form", text)
    return text


COLUMNS: Final = (
    Column("reference", "来源编号", convert.text(80), required=True, aliases=("id", "编号")),
    Column("address", "链接", web_address, required=True, aliases=("url", "link", "网址")),
    Column("patent_number", "专利号", convert.patent_number(), required=True),
    Column("title", "名称", convert.text(500), required=True, aliases=("发明名称", "专利名称")),
    Column("owners", "专利权人", convert.listing(convert.text(200)), aliases=("patentees",)),
    Column("ipc", "主分类号", convert.listing(convert.classification()), aliases=("分类号", "IPC")),
    Column("declaration_number", "声明编号", convert.text(40), aliases=("开放许可声明编号",)),
    Column("announced_on", "公告日", convert.date(), aliases=("声明生效日",)),
    Column("fee_form", "支付方式", convert.choice(FEE_FORM)),
    Column("fee", "固定费用", convert.yuan(), aliases=("入门费",)),
    Column("rate", "提成比例", convert.rate()),
    Column("rate_base", "提成基数", convert.choice(RATE_BASE)),
    Column("payment_text", "支付方式和标准", convert.text(4_000, lines=True)),
    Column("term_to", "许可期限止", convert.date()),
    Column("ended", "已结束", convert.boolean(), aliases=("已撤回", "deleted")),
)
