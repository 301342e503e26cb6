"""The columns of patents, offers and withdrawals: one table for files, the API and the pages."""

from __future__ import annotations

import re
from typing import Any, Final

from marketplace.core import convert
from marketplace.core.convert import KNOWN_NONE, InvalidValue
from marketplace.core.tables import Column

from .facts.models import FACTS

KIND: Final = {
    "invention": ("发明", "发明专利", "invention_grant", "invention_application", "发明授权", "发明公布"),
    "utility_model": ("实用新型", "实用新型专利"),
    "design": ("外观设计", "外观设计专利", "外观"),
}
LEGAL_STATUS: Final = {
    "pending": ("审查中", "实质审查", "公开"),
    "in_force": ("有效", "授权", "专利权维持"),
    "terminated": ("终止", "专利权终止", "失效"),
    "invalidated": ("宣告无效", "全部无效", "无效"),
    "expired": ("届满", "期限届满"),
}
EVALUATION_REPORT: Final = {
    "none": ("无", "无报告"),
    "positive": ("肯定", "符合", "未发现不符合授权条件"),
    "negative": ("否定", "不符合"),
}
PLEDGED: Final = {
    "no": ("否", "无", "未质押", "none"),
    "with_consent": ("已同意", "质权人同意"),
    "without_consent": ("未同意", "质权人未同意"),
}
OWNERSHIP: Final = {
    "as_registered": ("一致", "相符", "与登记簿一致"),
    "differs": ("不一致", "不符", "已转移"),
}
FEE_FORM: Final = {
    "free": ("免费", "无偿"),
    "fixed": ("固定费用", "一次性付费", "一次性支付"),
    "royalty_net_sales": ("净销售额提成",),
    "royalty_profit": ("利润额提成", "利润提成"),
    "entry_plus_royalty": ("入门费附加提成", "入门费加提成"),
}
RATE_BASE: Final = {"net_sales": ("净销售额",), "profit": ("利润额", "利润")}
CHANNEL: Final = {"bank": ("银行转账", "转账"), "stripe": ("在线支付",)}

_person = convert.text(200)
# Empty leaves what is known as it is; 无 says that there is none, so it takes away what was entered.
_long = convert.text(20_000, lines=True, none=KNOWN_NONE)


def payee(cell: object) -> tuple[str, str, str] | None:
    """`户名|开户行|账号` as its three parts.

    Raises:
        InvalidValue: payee-form, text-too-long.
    """
    if isinstance(cell, list | tuple):
        cell = "|".join(str(part) for part in cell)
    value = convert.text(500)(cell)
    if value is None:
        return None
    parts = [part.strip() for part in value.replace("｜", "|").split("|")]
    if len(parts) != 3 or not all(parts):
        raise InvalidValue("payee-form", value)
    name, bank, account = parts
    return name, bank, convert.code(r"[0-9A-Z]{4,64}")(account.replace("-", ""))


_INSTALMENT: Final = re.compile(r"(\d{1,3})(?:个月|months?)?[:=](.+)")
MOST_INSTALMENTS: Final = 24


def instalments(cell: object) -> list[list[int]] | None:
    """`0:30000; 6:20000` as pairs of months after the licence's effect and 分; None where there are none.

    Raises:
        InvalidValue: instalments-form, and as an amount in yuan.
    """
    if isinstance(cell, list | tuple):
        cell = ";".join(
            ":".join(map(str, one)) if isinstance(one, list | tuple) else str(one) for one in cell
        )
    value = convert.text(1_000)(cell)
    if value is None:
        return None
    pairs = []
    for part in re.split(r"[;；\n]", value.replace("：", ":")):
        if not part.strip():
            continue
        match = _INSTALMENT.fullmatch("".join(part.split()))
        amount = convert.yuan()(match[2]) if match else None
        if match is None or amount is None:
            raise InvalidValue("instalments-form", value)
        pairs.append([int(match[1]), amount])
    if not pairs or len(pairs) > MOST_INSTALMENTS:
        raise InvalidValue("instalments-form", value)
    return pairs


# What 无 takes away; without a number, a title, a filing date and a patentee there is no patent.
CLEARABLE: Final = (
    "title_en", "abstract", "abstract_en", "ipc", "grant_date", "application", "problem", "advantage",
)  # fmt: skip
PATENTS: Final = (
    Column("number", "专利号", convert.patent_number(), aliases=("application_number", "app_no", "申请号")),
    Column(
        "publication_number",
        "公开（公告）号",
        convert.publication_number(),
        aliases=("pub_no", "公告号", "公开号", "授权公告号"),
    ),
    Column("kind", "专利类型", convert.choice(KIND)),
    Column("title", "名称", convert.text(500), required=True, aliases=("发明名称", "专利名称")),
    Column("title_en", "英文名称", convert.text(500, none=KNOWN_NONE)),
    Column("abstract", "摘要", _long),
    Column("abstract_en", "英文摘要", _long),
    Column(
        "ipc",
        "分类号",
        convert.listing(convert.classification(), none=KNOWN_NONE),
        aliases=("IPC", "主分类号"),
    ),
    Column("filing_date", "申请日", convert.date()),
    Column("grant_date", "授权公告日", convert.date(none=KNOWN_NONE), aliases=("pub_date",)),
    Column("patentees", "专利权人", convert.listing(_person), aliases=("applicants", "申请人")),
    Column("patentee_codes", "统一社会信用代码", convert.listing(convert.credit_code(), gaps=True)),
    Column(
        "patentee_regions",
        "权利人地区",
        convert.listing(convert.region(), gaps=True),
        aliases=("shanghai_district", "province"),
    ),
    Column("legal_status", "法律状态", convert.choice(LEGAL_STATUS)),
    Column("annuity_paid_until", "年费缴至", convert.date(none=KNOWN_NONE)),
    Column("evaluation_report", "评价报告", convert.choice(EVALUATION_REPORT)),
    Column("pledged", "质押", convert.choice(PLEDGED)),
    Column("exclusive_licence_until", "独占排他许可至", convert.date(none=KNOWN_NONE)),
    Column("preserved_until", "保全至", convert.date(none=KNOWN_NONE)),
    Column("other_hindrance", "其他情形", convert.text(500, none=KNOWN_NONE)),
    Column("facts_as_of", "状态日期", convert.date()),
    Column("application", "应用领域", _long),
    Column("problem", "解决问题", _long),
    Column("advantage", "优势", _long),
)


def offers(*, spreadsheet: bool = True) -> tuple[Column, ...]:
    """The columns of offers.

    Args:
        spreadsheet: whether cells may come from a spreadsheet, where 0.03 may stand for 3 per cent.
    """
    return (
        Column("patent_number", "专利号", convert.patent_number(), required=True),
        Column("declaration_number", "声明编号", convert.text(40), aliases=("开放许可声明编号",)),
        Column("announced_on", "公告日", convert.date(), required=True, aliases=("声明生效日",)),
        Column("fee_form", "支付方式", convert.choice(FEE_FORM), required=True),
        Column("fee", "固定费用", convert.yuan(), aliases=("入门费",)),
        Column("rate", "提成比例", convert.rate(spreadsheet=spreadsheet)),
        Column("rate_base", "提成基数", convert.choice(RATE_BASE)),
        Column("payment_text", "支付方式和标准", convert.text(4_000, lines=True)),
        Column("channels", "支付渠道", convert.listing(convert.choice(CHANNEL))),
        Column("payee", "收款账户", payee),
        Column("term_from", "许可期限起", convert.date()),
        Column("term_to", "许可期限止", convert.date()),
        Column("contact", "联系方式", convert.text(500)),
        Column("fee_explanation", "计算依据说明", convert.text(20_000, lines=True)),
        Column("source", "来源", convert.text(200)),
        Column("instalments", "分期支付", instalments),
    )


WITHDRAWALS: Final = (
    Column("declaration_number", "声明编号", convert.text(40), required=True),
    Column("withdrawn_on", "撤回公告日", convert.date(), required=True, aliases=("声明撤回日",)),
    Column("reason", "原因", convert.text(2_000, lines=True)),
)

CONVERT_FACT: Final[dict[str, Any]] = {
    column.name: column.convert for column in PATENTS if column.name in FACTS
} | {"ownership": convert.choice(OWNERSHIP)}
