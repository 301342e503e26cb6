"""What the papers of a recordal and of a technology contract say, as plain values made from a deal. Pure.

Items follow the Guidelines 2023, Part V Chapter 11 §7 (papers of the recordal) and the office's form for
recording a licence contract; the form's number is not known to us, so that none is printed. The registration
of technology contracts follows 《技术合同认定登记管理办法》; its form is the registering office's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from marketplace.core.papers.wording import day, sum_of_money
from marketplace.deals.documents import Paid, Party
from marketplace.listings.papers.content import Frame, Item, Row, Section, Sheet

Side = Literal["holder", "licensee"]
Purpose = Literal["recordal", "technology"]

_SIDES: Final = {"holder": "许可人（专利权人）", "licensee": "被许可人"}
_TO_FILL: Final = "（由申请人填写）"


@dataclass(frozen=True)
class DealFacts:
    """A licence as its papers state it: money in minor units (分 for CNY), days inclusive.

    `basis`: how it came about: `paid`, `free` or `royalty` under an open licence, `contract` where the
    parties have signed one, or where it was taken elsewhere. `late`: the three months are over, `late_reason`
    why, as far as that is known here.
    """

    number: str
    kind: str
    patent_number: str
    title: str
    filing_date: dt.date | None
    grant_date: dt.date | None
    classes: tuple[str, ...]
    holders: tuple[Party, ...]
    licensee: Party
    contact: str
    declaration_number: str
    announced_on: dt.date | None
    effective_on: dt.date
    term_from: dt.date
    term_to: dt.date | None
    fee_text: str
    basis: str
    amount_minor: int | None
    currency: str
    payments: tuple[Paid, ...]
    notice_number: str
    applicant: Side
    agency: Party | None = None
    late: bool = False
    late_reason: str = ""

    @property
    def applicants(self) -> tuple[Party, ...]:
        """The side that applies: all patentees, or the licensee."""
        return self.holders if self.applicant == "holder" else (self.licensee,)


@dataclass(frozen=True)
class Piece:
    """One line of a checklist: what it is in both languages, why, and whether the packet holds it."""

    chinese: str
    english: str
    basis_chinese: str
    basis_english: str
    held: bool


def party_line(party: Party) -> str:
    """Name and code, as one line."""
    return f"{party.name}（统一社会信用代码 {party.code}）" if party.code else party.name


def _names(parties: Sequence[Party]) -> str:
    return "\n".join(party_line(one) for one in parties)


def _day(value: dt.date | None) -> str:
    return day(value) if value is not None else _TO_FILL


def _term(deal: DealFacts) -> str:
    return f"自 {day(deal.term_from)}起，至 {_day(deal.term_to)}止（含当日）"


def fee(deal: DealFacts) -> str:
    """The fee as the form asks for it: a sum; a zero fee as `无偿` (§7 of the form's practice)."""
    if deal.basis == "free" or deal.amount_minor == 0:
        return "人民币 0 元" if deal.currency == "CNY" else f"0 {deal.currency}"
    if deal.basis == "royalty":
        return "按提成计算，备案时尚无确定金额"
    if deal.amount_minor is None:
        return _TO_FILL
    return sum_of_money(deal.amount_minor, deal.currency)


def payment(deal: DealFacts) -> str:
    """The method of payment as the form asks for it, with the announced words."""
    if deal.basis == "free" or deal.amount_minor == 0:
        return "无偿"
    method = {"royalty": "提成支付", "paid": "按公告的方式和标准支付", "contract": _TO_FILL}[deal.basis]
    paid = [
        f"{one.channel}，{sum_of_money(one.amount_minor, one.currency)}，{day(one.paid_on)}"
        for one in deal.payments
    ]
    return "\n".join([method, *([deal.fee_text] if deal.fee_text else []), *paid])


def _signing(deal: DealFacts) -> tuple[str, ...]:
    side = _SIDES[deal.applicant]
    agency = (f"专利代理机构（盖章）：{deal.agency.name}",) if deal.agency else ()
    return (*(f"{side}（签字或者盖章）：{one.name}" for one in deal.applicants), *agency)


def _patent_rows(deal: DealFacts) -> tuple[Row, ...]:
    return (
        Row("专利号", "Patent No.", deal.patent_number),
        Row("发明创造名称", "Title", deal.title),
        Row("申请日", "Filed on", _day(deal.filing_date)),
        Row("授权公告日", "Grant announced on", _day(deal.grant_date)),
    )


def application(deal: DealFacts, frame: Frame) -> Sheet:
    """The application for the recordal of a licence contract (专利实施许可合同备案申请表)."""
    declared = (
        (
            Row("开放许可声明编号", "Declaration No.", deal.declaration_number or _TO_FILL),
            Row("声明公告日", "Declaration announced on", _day(deal.announced_on)),
        )
        if deal.kind == "open"
        else ()
    )
    return Sheet(
        "专利实施许可合同备案申请表",
        "APPLICATION FOR THE RECORDAL OF A PATENT LICENCE CONTRACT",
        "依照《中华人民共和国专利法实施细则》第十五条、第八十七条，申请将下列专利开放许可予以备案。"
        if deal.kind == "open"
        else "依照《中华人民共和国专利法实施细则》第十五条，申请将下列专利实施许可合同予以备案。",
        (
            Row("专利件数", "Number of patents", "1 件"),
            *_patent_rows(deal),
            *declared,
            Row("许可人", "Licensor", _names(deal.holders)),
            Row("许可人地址、邮编", "Licensor's address", _TO_FILL),
            Row("许可人联系方式", "Licensor's contact", deal.contact or _TO_FILL),
            Row("被许可人", "Licensee", party_line(deal.licensee)),
            Row("被许可人地址、邮编", "Licensee's address", _TO_FILL),
            Row("许可种类", "Kind of licence", "普通许可（开放许可）" if deal.kind == "open" else "普通许可"),
            Row("许可范围", "Territory", "中国境内"),
            Row("合同生效日", "In effect from", day(deal.effective_on)),
            Row("合同终止日", "Ends on", _day(deal.term_to)),
            Row("许可使用费", "Fee", fee(deal)),
            Row("支付方式", "Method of payment", payment(deal)),
            Row("申请人", "Applicant", f"{_SIDES[deal.applicant]}\n{_names(deal.applicants)}"),
            Row("专利代理机构", "Agency", party_line(deal.agency) if deal.agency else "无"),
            Row("经办人、证件号码、电话", "Handler, identity document, telephone", _TO_FILL),
        ),
        (),
        _signing(deal),
        (
            (
                f"由平台依据成交 {deal.number} 的冻结内容生成，供核对、补充、签章并在专利业务办理系统中填报；"
                "办理以国家知识产权局提供的表格为准。"
            ),
            (
                "依照《专利审查指南》第五部分第十一章 8，办理备案即视为提出开放许可实施期间的年费减缴请求。"
                if deal.kind == "open"
                else "协商订立的普通许可不适用开放许可的年费减缴。"
            ),
            "《专利法实施细则》第八十八条：不得提供虚假材料、隐瞒事实。",
        ),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


def no_payment(deal: DealFacts, frame: Frame) -> Sheet:
    """What takes the place of a payment voucher where nothing was due: a free licence, or a royalty."""
    free = deal.basis == "free"
    return Sheet(
        "关于许可使用费的说明",
        "STATEMENT ON THE LICENCE FEE: NOTHING WAS DUE",
        (
            "公告的开放许可声明载明下列专利的许可使用费为无偿。被许可人已以书面方式通知专利权人，无须支付费用，"
            "故无支付凭证。"
            if free
            else "公告的开放许可声明载明下列专利的许可使用费仅按提成支付。被许可人已以书面方式通知专利权人；"
            "许可生效时尚无到期款项，故无支付凭证。"
        ),
        (
            *_patent_rows(deal)[:2],
            Row("开放许可声明编号", "Declaration No.", deal.declaration_number or _TO_FILL),
            Row("公告的支付方式和标准", "Fee as announced", deal.fee_text or "免费"),
            Row("书面通知", "Written notice", deal.notice_number),
            Row("生效日", "In effect from", day(deal.effective_on)),
            Row("许可人", "Licensor", _names(deal.holders)),
            Row("被许可人", "Licensee", party_line(deal.licensee)),
        ),
        (),
        _signing(deal)[: len(deal.applicants)],
        ("法律和审查指南未规定此种情形以何材料代替支付凭证；提交前请向国家知识产权局或者其代办处确认。",),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


def identity(deal: DealFacts, frame: Frame) -> Sheet:
    """The place of the identity papers, which only the applicant can add."""
    wanted = [
        Item(
            f"{one.name}：营业执照、事业单位法人证书或者身份证件的复印件",
            "《专利审查指南》第五部分第十一章 7（4）",
            False,
        )
        for one in deal.applicants
    ]
    return Sheet(
        "申请人及经办人身份证明",
        "IDENTITY PAPERS, TO BE ADDED BY THE APPLICANT",
        "本页为占位页。平台不保存身份证件，请将下列材料放入本材料包，替换本页。",
        (),
        (
            Section(
                "待补充",
                "To be added",
                items=(
                    *wanted,
                    Item("经办人的身份证件复印件", "《专利审查指南》第五部分第十一章 7（6）", False),
                ),
            ),
        ),
        (),
        (),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


def mandate(deal: DealFacts, frame: Frame, agency: Party, purpose: Purpose) -> Sheet:
    """The power of attorney of the applicant, stating its scope, where an agency acts (§7 item 5)."""
    recordal = purpose == "recordal"
    return Sheet(
        "委托书",
        "POWER OF ATTORNEY",
        f"委托人委托受托人办理下列专利的{'专利实施许可合同备案' if recordal else '技术合同认定登记'}事务。",
        (
            Row("委托人", "Principal", _names(deal.applicants)),
            Row("受托人", "Agent", party_line(agency)),
            *_patent_rows(deal)[:2],
            Row("成交编号", "Licence No.", deal.number),
            Row(
                "委托权限",
                "Scope",
                "办理上述许可的备案，提交、补正和签收文件；办理备案的变更和注销须另行委托"
                if recordal
                else "办理上述许可的技术合同认定登记，提交、补正和签收文件",
            ),
            Row("委托期限", "Valid", "自签署之日起至该事务办结之日止"),
        ),
        (),
        (
            *(f"委托人（签字或者盖章）：{one.name}" for one in deal.applicants),
            f"受托人（盖章）：{agency.name}",
        ),
        ("受托人无权转委托。委托书须由委托人签字或者盖章后方为有效。",),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


def lateness(deal: DealFacts, frame: Frame) -> Sheet:
    """Why the recordal is filed after the three months (IR 15), to be sealed by the applicant."""
    return Sheet(
        "逾期办理备案的情况说明",
        "WHY THE RECORDAL IS FILED AFTER THE THREE MONTHS",
        "下列许可未在生效之日起三个月内申请备案，现将情况说明如下。合同仍在履行期限内。",
        (
            *_patent_rows(deal)[:2],
            Row("许可人", "Licensor", _names(deal.holders)),
            Row("被许可人", "Licensee", party_line(deal.licensee)),
            Row("生效日", "In effect from", day(deal.effective_on)),
            Row("许可期限", "Term", _term(deal)),
            Row("逾期原因", "Reason", deal.late_reason or _TO_FILL),
        ),
        (),
        _signing(deal)[: len(deal.applicants)],
        ("《专利法实施细则》第十五条第二款：许可合同自生效之日起三个月内备案。",),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


def technology(deal: DealFacts, frame: Frame) -> Sheet:
    """The data that a registering office asks for when a technology contract is registered."""
    sum_of_contract = "人民币 0 元" if deal.basis == "free" or deal.amount_minor == 0 else fee(deal)
    return Sheet(
        "技术合同认定登记申请信息表",
        "DATA FOR THE REGISTRATION OF A TECHNOLOGY CONTRACT",
        "依照《技术合同认定登记管理办法》，许可人就下列专利实施许可申请技术合同认定登记。",
        (
            Row(
                "合同名称", "Contract", f"《{deal.title}》专利{'开放' if deal.kind == 'open' else '实施'}许可"
            ),
            Row("合同类别", "Kind", "技术许可合同（专利实施许可）"),
            Row("合同成立方式", "How concluded", _concluded(deal)),
            Row("许可人（卖方）", "Licensor (seller)", _names(deal.holders)),
            Row("被许可人（买方）", "Licensee (buyer)", party_line(deal.licensee)),
            Row("签订（生效）日期", "Concluded (in effect) on", day(deal.effective_on)),
            Row("履行期限", "Term", _term(deal)),
            Row("合同成交金额", "Sum of the contract", sum_of_contract),
            Row("其中技术交易额", "Of it for technology", sum_of_contract),
            Row("支付方式", "Method of payment", payment(deal)),
            Row("知识产权类型、编号", "Right and number", f"专利，{deal.patent_number}"),
            Row("技术领域（主分类号）", "Field (main class)", deal.classes[0] if deal.classes else _TO_FILL),
            Row("成交凭证编号", "Deal certificate", deal.number),
            Row("经办人、电话", "Handler, telephone", _TO_FILL),
        ),
        (),
        tuple(f"许可人（盖章）：{one.name}" for one in deal.holders),
        (
            "由许可人向其所在地的技术合同登记机构申请；办理以登记机构的系统、表格和要求为准，提交前请向其确认。",
            f"由平台依据成交 {deal.number} 的冻结内容生成。",
        ),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )


def _concluded(deal: DealFacts) -> str:
    if deal.basis == "contract":
        return "书面合同（另附）"
    announced = f"，{day(deal.announced_on)}公告" if deal.announced_on else ""
    return (
        f"专利开放许可：声明 {deal.declaration_number}{announced}；书面通知 {deal.notice_number}"
        "（《专利法》第五十一条第一款）"
    )


def recordal_pieces(deal: DealFacts, *, voucher: bool, notice: bool) -> tuple[Piece, ...]:
    """What GL V-11 §7 asks for, in its order, and what of it the packet holds.

    Args:
        voucher: whether a proof of payment is in the packet.
        notice: whether the written notice is.
    """
    guideline, guideline_en = "《专利审查指南》第五部分第十一章 7", "Guidelines 2023, Part V Chapter 11 §7"
    nothing_due = deal.basis in ("free", "royalty")
    found = [
        Piece(
            "01 备案申请表：补填地址和经办人，申请人签字或者盖章",
            "01 Application form: add addresses and handler, to be signed or sealed by the applicant",
            f"{guideline}（1）",
            f"{guideline_en}(1)",
            True,
        ),
        Piece(
            "02 被许可人的书面通知" if deal.kind == "open" else "02 双方签署的许可合同",
            "02 The licensee's written notice"
            if deal.kind == "open"
            else "02 The contract that both have signed",
            f"{guideline}（2）",
            f"{guideline_en}(2)",
            notice,
        ),
        Piece(
            "03 费用说明（代替支付凭证；提交前请向代办处确认）"
            if nothing_due
            else "03 支付凭证，或者专利权人的收款证明",
            "03 Statement on the fee (in place of a voucher; ask the agency of CNIPA first)"
            if nothing_due
            else "03 Payment voucher, or the patentee's receipt",
            f"{guideline}（3）",
            f"{guideline_en}(3)",
            nothing_due or voucher,
        ),
        Piece(
            "04 申请人的身份证明",
            "04 Identity papers of the applicant",
            f"{guideline}（4）；由申请人补充",
            f"{guideline_en}(4); to be added by the applicant",
            False,
        ),
        Piece(
            "04 经办人的身份证明",
            "04 Identity paper of the handler",
            f"{guideline}（6）；由申请人补充",
            f"{guideline_en}(6); to be added by the applicant",
            False,
        ),
    ]
    if deal.agency is not None:
        found.append(
            Piece(
                "05 委托书：委托人签字或者盖章",
                "05 Power of attorney: to be signed or sealed by the principal",
                f"{guideline}（5）",
                f"{guideline_en}(5)",
                True,
            )
        )
    if deal.late:
        found.append(
            Piece(
                "06 逾期办理备案的情况说明：盖章",
                "06 Explanation why it is late: to be sealed",
                "《专利法实施细则》第十五条第二款",
                "Implementing Regulations, Rule 15 ¶2",
                True,
            )
        )
    return tuple(found)


def technology_pieces(deal: DealFacts, *, notice: bool, certificate: bool) -> tuple[Piece, ...]:
    """What the registration of a technology contract usually asks for, and what the packet holds."""
    rule, rule_en = "《技术合同认定登记管理办法》", "Measures on the registration of technology contracts"
    found = [
        Piece(
            "01 认定登记申请信息表：核对后在登记系统中填报",
            "01 Data of the contract: check them and enter them in the office's system",
            rule,
            rule_en,
            True,
        ),
        Piece(
            "02 合同文本：公告的声明与书面通知" if deal.kind == "open" else "02 双方签署的许可合同",
            "02 The contract: the announced declaration and the written notice"
            if deal.kind == "open"
            else "02 The contract that both have signed",
            rule,
            rule_en,
            notice,
        ),
        Piece("03 成交凭证", "03 Deal certificate", "平台出具", "issued by the platform", certificate),
        Piece(
            "04 许可人的主体证明、专利登记簿副本或者专利证书",
            "04 Licensor's identity paper, copy of the patent register or certificate",
            "由许可人补充",
            "to be added by the licensor",
            False,
        ),
    ]
    if deal.agency is not None:
        found.append(
            Piece(
                "05 委托书：委托人签字或者盖章",
                "05 Power of attorney: to be signed or sealed by the principal",
                rule,
                rule_en,
                True,
            )
        )
    return tuple(found)


def checklist(
    deal: DealFacts, frame: Frame, purpose: Purpose, pieces: Sequence[Piece], *, english: bool
) -> Sheet:
    """What the packet holds and what is still to be added, in Chinese or in English."""
    recordal = purpose == "recordal"
    rows = (
        Row("成交编号", "Licence", deal.number),
        Row("专利号", "Patent No.", deal.patent_number),
        Row("发明创造名称", "Title", deal.title),
        Row("许可人", "Licensor", _names(deal.holders)),
        Row("被许可人", "Licensee", party_line(deal.licensee)),
    )
    if english:
        return Sheet(
            "Checklist: recordal" if recordal else "Checklist: technology contract",
            "RECORDAL OF A PATENT LICENCE WITH CNIPA"
            if recordal
            else "REGISTRATION OF A TECHNOLOGY CONTRACT",
            "Ticked: in this packet. Not ticked: to be added before filing. What the office asks prevails.",
            tuple(Row(row.english, row.chinese, row.value) for row in rows),
            (
                Section(
                    "Papers",
                    "",
                    items=tuple(Item(one.english, one.basis_english, one.held) for one in pieces),
                ),
            ),
            (),
            (
                "File it through CNIPA's patent business system within three months of effect (Rule 15 ¶2)."
                if recordal
                else "The licensor applies at the registration office of its seat.",
            ),
            frame.issuer,
            frame.made_at,
            frame.demonstration,
        )
    return Sheet(
        "备案材料清单" if recordal else "技术合同认定登记材料清单",
        "CHECKLIST OF THE RECORDAL" if recordal else "CHECKLIST OF THE REGISTRATION OF A TECHNOLOGY CONTRACT",
        "已勾选的，本材料包已含；未勾选的，由申请人在提交前补充。以受理机关的要求为准。",
        rows,
        (
            Section(
                "材料",
                "Papers",
                items=tuple(Item(one.chinese, one.basis_chinese, one.held) for one in pieces),
            ),
        ),
        (),
        (
            "自许可生效之日起三个月内通过专利业务办理系统提交（《专利法实施细则》第十五条第二款）。"
            if recordal
            else "由许可人向其所在地的技术合同登记机构申请。",
        ),
        frame.issuer,
        frame.made_at,
        frame.demonstration,
    )
