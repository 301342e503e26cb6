"""What the papers of a declaration say, as plain values. Nothing here knows the database, the web or a font.

Items and undertaking follow the Guidelines 2023, Part V Chapter 11 §3.3 (declaration) and §4 (withdrawal).
The names are those of the office's forms; their numbers are not known to us, so that none is printed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from marketplace.core.papers.wording import day, instant, sum_of_money

DECLARATION: Final = "专利开放许可声明"
WITHDRAWAL: Final = "撤回专利开放许可声明"
CHECKLIST: Final = "专利开放许可声明提交材料清单"
WITHDRAWAL_CHECKLIST: Final = "撤回专利开放许可声明提交材料清单"
_CONSENT: Final = {
    "patentee": "专利权人同意开放许可声明的书面意见",
    "pledgee": "质权人同意专利开放许可的书面意见",
    "withdrawal": "专利权人同意撤回开放许可声明的书面意见",
}
_CHANNELS: Final = {"bank": "银行转账", "stripe": "许可人的在线收款账户"}
_FORMS: Final = {
    "free": "免费许可",
    "fixed": "固定费用",
    "royalty_net_sales": "净销售额提成",
    "royalty_profit": "利润额提成",
    "entry_plus_royalty": "入门费附加提成",
}
_BASES: Final = {"net_sales": "净销售额", "profit": "利润额"}
_STRENGTHS: Final = {
    "link": "经发送至指定电子邮箱的一次性链接作出",
    "member": "由该方已登录的成员在平台上作出",
    "paper": "纸质签署",
}


@dataclass(frozen=True)
class Row:
    """One line of a table: its name in Chinese and English, and what stands there."""

    chinese: str
    english: str
    value: str


@dataclass(frozen=True)
class Item:
    """One line of the checklist: what it is, why, and whether it is there (None: not known here)."""

    text: str
    basis: str
    done: bool | None


@dataclass(frozen=True)
class Section:
    """A part under a heading of its own."""

    chinese: str
    english: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """One paper. `signatures` are the lines to sign or seal; `notes` stand small at the end."""

    title: str
    english: str
    opening: str
    rows: tuple[Row, ...]
    sections: tuple[Section, ...]
    signatures: tuple[str, ...]
    notes: tuple[str, ...]
    issuer: str
    made_at: dt.datetime
    demonstration: bool = False


@dataclass(frozen=True)
class Party:
    """A patentee or pledgee: name, and its unified social credit code where it may be printed."""

    name: str
    code: str = ""

    @property
    def line(self) -> str:
        """Name and code, as one line."""
        return f"{self.name}（统一社会信用代码 {self.code}）" if self.code else self.name


@dataclass(frozen=True)
class Terms:
    """The declared terms as plain values; money in 分, rate in per cent as text, days inclusive."""

    patent_number: str
    title: str
    patentees: tuple[Party, ...]
    fee_form: str
    fee_minor: int | None
    currency: str
    rate_percent: str | None
    rate_base: str | None
    payment_text: str
    channels: tuple[str, ...]
    payee: tuple[str, str, str] | None
    term_from: dt.date | None
    term_to: dt.date
    contact: str
    fee_explanation: str
    not_included: str
    digest: str


@dataclass(frozen=True)
class Answer:
    """Who answered in whose name, in what capacity, when and how; empty where it is still to be signed."""

    capacity: str
    party: str
    name: str = ""
    position: str = ""
    at: dt.datetime | None = None
    strength: str = ""


@dataclass(frozen=True)
class Frame:
    """What all papers share: who makes them, when, and whether for demonstration."""

    issuer: str
    made_at: dt.datetime
    demonstration: bool
    agency: str = ""


def fee_line(terms: Terms) -> str:
    """Form and figures of the fee."""
    parts = [_FORMS[terms.fee_form]]
    if terms.fee_minor is not None:
        name = "入门费" if terms.fee_form == "entry_plus_royalty" else "金额"
        parts.append(f"{name} {sum_of_money(terms.fee_minor, terms.currency)}")
    if terms.rate_percent is not None:
        parts.append(f"{_BASES.get(terms.rate_base or '', '净销售额')}的 {terms.rate_percent}%")
    return "；".join(parts)


def payment_lines(terms: Terms) -> str:
    """Method and standard of payment, with the account."""
    lines = [fee_line(terms), terms.payment_text]
    if terms.channels:
        lines.append("支付渠道：" + "、".join(_CHANNELS[code] for code in terms.channels))
    if terms.payee is not None:
        name, bank, account = terms.payee
        lines.append("收款账户：" + "，".join(part for part in (name, bank, account) if part))
    return "\n".join(line for line in lines if line)


def term_line(terms: Terms) -> str:
    """First and last day; without a first one the term begins with the announcement."""
    begins = f"自 {day(terms.term_from)}" if terms.term_from else "自声明公告之日"
    return f"{begins}起，至 {day(terms.term_to)}止（含当日）"


def _names(terms: Terms) -> str:
    return "\n".join(party.line for party in terms.patentees)


def _items(terms: Terms) -> tuple[Row, ...]:
    return (
        Row("一、专利号", "1. Patent No.", terms.patent_number),
        Row("发明创造名称", "Title", terms.title),
        Row("二、专利权人", "2. Patentee", _names(terms)),
        Row("三、许可使用费支付方式和标准", "3. Method and standard of payment", payment_lines(terms)),
        Row("四、许可期限", "4. Term of the licence", term_line(terms)),
        Row("五、专利权人联系方式", "5. Contact", terms.contact),
    )


_UNDERTAKING: Final = (
    "专利权人承诺：本专利符合开放许可的条件，不存在《专利审查指南》第五部分第十一章 3.1 所列不予公告的情形；"
    "所提交的材料真实、准确、合法，未隐瞒事实。"
)


def _explanation(terms: Terms) -> tuple[Section, ...]:
    if not terms.fee_explanation:
        return ()
    return (
        Section(
            "许可使用费计算依据和方式的简要说明",
            "Brief explanation of how the fee was worked out (generally not over 2,000 characters)",
            (terms.fee_explanation,),
        ),
    )


def declaration(terms: Terms, frame: Frame) -> Sheet:
    """The declaration: seven items and the explanation of the fee."""
    signing = tuple(f"专利权人（签字或者盖章）：{party.name}" for party in terms.patentees)
    return Sheet(
        DECLARATION,
        "DECLARATION OF A PATENT OPEN LICENCE",
        "依照《中华人民共和国专利法》第五十条第一款，专利权人自愿以书面方式向国务院专利行政部门声明，"
        "愿意许可任何单位或者个人在中国境内实施下列专利。",
        (
            *_items(terms),
            Row("六、承诺", "6. Undertaking", _UNDERTAKING),
            Row("七、其他需要明确的事项", "7. Other matters", terms.not_included or "无"),
        ),
        _explanation(terms),
        (*signing, *((f"专利代理机构（盖章）：{frame.agency}",) if frame.agency else ())),
        (
            (
                "依据《专利审查指南》第五部分第十一章 3.3 的七项内容由平台依填报数据生成，供核对、签章和在"
                "专利业务办理系统中填报；办理以国家知识产权局提供的表格为准。"
            ),
            f"内容摘要 SHA-256：{terms.digest}",
        ),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


@dataclass(frozen=True)
class Withdrawn:
    """Which declaration is withdrawn, on what ground."""

    number: str
    announced_on: dt.date | None
    reason: str


@dataclass(frozen=True)
class Agreed:
    """A patentee's consent to the withdrawal that is kept here, with the SHA-256 of what was shown."""

    answer: Answer
    digest: str

    @property
    def line(self) -> str:
        """Who agreed in whose name, when, how, and to what."""
        answer = self.answer
        at = instant(answer.at) if answer.at else ""
        return (
            f"{answer.party}：同意。签署人 {answer.name}（{answer.position}），"
            f"{_STRENGTHS[answer.strength]}，{at}\n所示内容摘要 SHA-256：{self.digest}"
        )


def _withdrawn_rows(terms: Terms, withdrawn: Withdrawn) -> tuple[Row, ...]:
    announced_on = withdrawn.announced_on
    return (
        Row("专利号", "Patent No.", terms.patent_number),
        Row("发明创造名称", "Title", terms.title),
        Row("专利权人", "Patentee", _names(terms)),
        Row("开放许可声明编号", "Declaration No.", withdrawn.number or "（公告后填写）"),
        Row("声明公告日", "Announced on", day(announced_on) if announced_on else "—"),
        Row("撤回理由", "Ground", withdrawn.reason or "（请填写）"),
        Row("附加条件", "Conditions", "无。撤回不附加任何条件。"),
    )


def withdrawal_consent(
    terms: Terms, frame: Frame, withdrawn: Withdrawn, answer: Answer, digest: str
) -> Sheet:
    """The consent of a patentee to the withdrawal, answered already or to be signed by hand."""
    rows: tuple[Row, ...] = (Row("同意的专利权人", "Consenting party", answer.party),)
    signatures: tuple[str, ...] = (f"专利权人（签字或者盖章）：{answer.party}",)
    notes: tuple[str, ...] = ("撤回理由变更后，本书面意见不再适用。",)
    if answer.at is not None:
        rows += _signed_rows(answer)
        signatures = ()
        notes += ("以数据电文作出的，依照《中华人民共和国电子签名法》第四条视为书面形式。",)
    return Sheet(
        _CONSENT["withdrawal"],
        "CONSENT OF A PATENTEE TO THE WITHDRAWAL OF AN OPEN LICENCE",
        "本方作为下列专利的专利权人，已阅知下列内容，同意撤回下列专利开放许可声明。撤回自公告之日起生效，"
        "不影响在先给予的开放许可的效力。",
        (*rows, *_withdrawn_rows(terms, withdrawn), Row("所示内容摘要", "SHA-256 of what was shown", digest)),
        (),
        signatures,
        notes,
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


def withdrawal(terms: Terms, frame: Frame, withdrawn: Withdrawn, agreed: tuple[Agreed, ...] = ()) -> Sheet:
    """The withdrawal: without conditions, by all patentees; consents that are kept here are listed."""
    return Sheet(
        WITHDRAWAL,
        "WITHDRAWAL OF THE DECLARATION OF A PATENT OPEN LICENCE",
        "依照《中华人民共和国专利法》第五十条第二款，专利权人以书面方式撤回下列专利开放许可声明。",
        _withdrawn_rows(terms, withdrawn),
        (
            Section(
                "专利权人的意见",
                "All patentees agree",
                (
                    (
                        "全体专利权人同意撤回上述专利开放许可声明。撤回自公告之日起生效；"
                        "开放许可声明被公告撤回的，不影响在先给予的开放许可的效力。"
                    ),
                    *(one.line for one in agreed),
                ),
            ),
        ),
        (
            *(f"专利权人（签字或者盖章）：{party.name}" for party in terms.patentees),
            *((f"专利代理机构（盖章）：{frame.agency}",) if frame.agency else ()),
        ),
        ("依据《专利审查指南》第五部分第十一章 4；以其他正当理由撤回的，另附证明材料。",),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


def _signed_rows(answer: Answer) -> tuple[Row, ...]:
    if answer.at is None:
        return ()
    return (
        Row("签署人", "Signed by", f"{answer.name}（{answer.position}）"),
        Row("方式", "How", _STRENGTHS[answer.strength]),
        Row("时刻", "Instant", instant(answer.at)),
    )


def consent(terms: Terms, frame: Frame, answer: Answer) -> Sheet:
    """The consent of a patentee or the pledgee, answered already or to be signed by hand."""
    pledgee = answer.capacity == "pledgee"
    said = (
        "本方作为下列专利的质权人，已阅知下列专利开放许可声明的全部内容，同意专利权人依此声明实行开放许可。"
        if pledgee
        else "本方作为下列专利的专利权人，已阅知下列专利开放许可声明的全部内容，同意依此声明实行开放许可。"
    )
    who: tuple[Row, ...] = (Row("质权人" if pledgee else "同意的专利权人", "Consenting party", answer.party),)
    signatures: tuple[str, ...] = (f"{'质权人' if pledgee else '专利权人'}（签字或者盖章）：{answer.party}",)
    if answer.at is not None:
        who += _signed_rows(answer)
        signatures = ()
    return Sheet(
        _CONSENT[answer.capacity],
        "CONSENT OF THE PLEDGEE TO AN OPEN LICENCE"
        if pledgee
        else "CONSENT OF A PATENTEE TO AN OPEN LICENCE",
        said,
        (
            *who,
            *_items(terms),
            Row("六、其他需要明确的事项", "6. Other matters", terms.not_included or "无"),
            Row("声明内容摘要", "SHA-256 of the terms", terms.digest),
        ),
        _explanation(terms),
        signatures,
        (
            "声明内容变更后，本书面意见不再适用于变更后的内容。",
            "以数据电文作出的，依照《中华人民共和国电子签名法》第四条视为书面形式。",
        )
        if answer.at is not None
        else ("声明内容变更后，本书面意见不再适用于变更后的内容。",),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


def checklist(terms: Terms, frame: Frame, items: tuple[Item, ...], *, withdrawing: bool = False) -> Sheet:
    """What to hand in with the declaration, or with its withdrawal, from what is known."""
    return Sheet(
        WITHDRAWAL_CHECKLIST if withdrawing else CHECKLIST,
        "WHAT TO HAND IN WITH THE WITHDRAWAL" if withdrawing else "WHAT TO HAND IN WITH THE DECLARATION",
        "以下清单由平台依据已录入的事实生成，供提交前核对；以国家知识产权局的要求为准。",
        (
            Row("专利号", "Patent No.", terms.patent_number),
            Row("发明创造名称", "Title", terms.title),
            Row("专利权人", "Patentee", _names(terms)),
        ),
        (Section("材料", "Papers", items=items),),
        (),
        ("通过专利业务办理系统以电子形式提交；确有困难的，可以当面或者邮寄提交。",),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )
