"""The papers of a declaration: what they say as PDF/A and DOCX, the checklist, many at once."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.actor import VISITOR
from marketplace.core.errors import Conflict, Invalid, NotFound, Unauthenticated, Unavailable
from marketplace.core.papers import MissingGlyph
from marketplace.core.papers.sealing import signer
from marketplace.core.papers.signing import verify
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import services
from marketplace.listings.papers import content, typesetting
from marketplace.listings.papers import services as papers
from marketplace.listings.papers.checklist import Known, checklist
from tests import factories

needs_poppler = pytest.mark.usefixtures("poppler_folder")

TERMS = content.Terms(
    patent_number="ZL 2021 1 9000001.3",
    title="一种固态电解质复合膜及其制备方法",
    patentees=(
        content.Party("虚构甲市海岚理工大学", "91990000MA0000000X"),
        content.Party("虚构沪东新材料有限公司"),
    ),
    fee_form="entry_plus_royalty",
    fee_minor=5_000_000,
    currency="CNY",
    rate_percent="3",
    rate_base="net_sales",
    payment_text="支付入门费人民币50,000元，并按净销售额的3%提成。",
    channels=("bank",),
    payee=("虚构甲市海岚理工大学", "示例银行闵行支行", "3100000001"),
    term_from=None,
    term_to=dt.date(2031, 11, 30),
    contact="技术转移办公室\n021-00000000",
    fee_explanation="依据研发成本与同类许可测算。",
    not_included="不包含技术秘密。",
    digest="ab" * 32,
)
FRAME = content.Frame("专利开放许可交易平台", dt.datetime(2026, 11, 20, 2, tzinfo=dt.UTC), True)
SEVEN = (
    "一、专利号",
    "二、专利权人",
    "三、许可使用费支付方式和标准",
    "四、许可期限",
    "五、专利权人联系方式",
    "六、承诺",
    "七、其他需要明确的事项",
)
VALUES = (
    "ZL202119000001.3",
    "虚构沪东新材料有限公司",
    "¥50,000.00（人民币伍万元整）",
    "净销售额的3%",
    "自声明公告之日起，至2031年11月30日止（含当日）",
    "021-00000000",
    "不包含技术秘密",
    "任何单位或者个人",
    "依据研发成本与同类许可测算",
    "专利代理机构（盖章）：示例专利代理有限公司",
)


def text_of(pdf: bytes, folder: Path) -> str:
    path = folder / "paper.pdf"
    path.write_bytes(pdf)
    said = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True)
    return "".join(said.stdout.decode().split())


def words_of(docx: bytes) -> str:
    document = Document(io.BytesIO(docx))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "".join("".join([*(p.text for p in document.paragraphs), *cells]).split())


@needs_poppler
def test_the_declaration_has_the_seven_items_and_the_explanation_in_both_formats(tmp_path: Path) -> None:
    sheet = content.declaration(TERMS, replace(FRAME, agency="示例专利代理有限公司"))
    pdf = typesetting.pdf(sheet)
    assert b"pdfaid" in pdf
    assert pdf == typesetting.pdf(sheet)
    for said in (text_of(pdf, tmp_path), words_of(typesetting.docx(sheet))):
        for name in (*SEVEN, content.DECLARATION, "许可使用费计算依据和方式的简要说明"):
            assert "".join(name.split()) in said
        for value in VALUES:
            assert value in said
        assert "表格编号" not in said


@needs_poppler
def test_the_withdrawal_has_no_conditions_and_leaves_licences_alone(tmp_path: Path) -> None:
    sheet = content.withdrawal(
        TERMS, FRAME, content.Withdrawn("KF2026-1", dt.date(2026, 3, 11), "专利权转让")
    )
    for said in (text_of(typesetting.pdf(sheet), tmp_path), words_of(typesetting.docx(sheet))):
        for value in (
            content.WITHDRAWAL,
            "KF2026-1",
            "专利权转让",
            "撤回不附加任何条件",
            "不影响在先给予的开放许可的效力",
        ):
            assert value in said


@needs_poppler
def test_a_consent_says_who_answered_how_and_to_which_terms(tmp_path: Path) -> None:
    answer = content.Answer("patentee", "虚构沪东新材料有限公司", "王示例", "总经理", FRAME.made_at, "link")
    said = text_of(typesetting.pdf(content.consent(TERMS, FRAME, answer)), tmp_path)
    for value in ("王示例（总经理）", "一次性链接", "2026年11月20日10:00:00（北京时间）", "ab" * 32):
        assert value in said
    by_hand = words_of(typesetting.docx(content.consent(TERMS, FRAME, content.Answer("pledgee", "示例银行"))))
    assert "质权人（签字或者盖章）：示例银行" in by_hand


def test_characters_without_a_glyph_are_an_error_and_never_a_box() -> None:
    for wrong in ("\U0003134f", "\ue000", "\u202e"):
        with pytest.raises(MissingGlyph):
            typesetting.pdf(content.declaration(replace(TERMS, contact=f"联系人{wrong}"), FRAME))
    for wrong in ("\ue000", "\u202e", "\x07"):
        with pytest.raises(MissingGlyph):
            typesetting.docx(content.declaration(replace(TERMS, contact=f"联系人{wrong}"), FRAME))


KNOWN = Known("invention", None, "no", "sole")


@pytest.mark.parametrize(
    ("known", "codes"),
    [
        (KNOWN, ["declaration"]),
        (replace(KNOWN, kind="design"), ["declaration", "report"]),
        (replace(KNOWN, owners="open"), ["declaration", "owners"]),
        (replace(KNOWN, pledged="with_consent"), ["declaration", "pledge"]),
        (replace(KNOWN, agency=True, owners="open"), ["declaration", "mandate", "all_signed"]),
        (replace(KNOWN, price_notice="running"), ["declaration", "price_notice"]),
    ],
)
def test_the_checklist_names_what_this_declaration_needs(known: Known, codes: list[str]) -> None:
    assert [line.code for line in checklist(known)] == codes


@given(
    st.builds(
        Known,
        kind=st.sampled_from(["invention", "utility_model", "design"]),
        report=st.sampled_from([None, "positive", "negative", "none"]),
        pledged=st.sampled_from([None, "no", "with_consent", "without_consent"]),
        owners=st.sampled_from(["sole", "signed", "stated", "open"]),
        agency=st.booleans(),
        price_notice=st.sampled_from(["none", "missing", "running", "over"]),
    )
)
def test_nothing_is_ticked_that_is_not_known(known: Known) -> None:
    done = {line.code: line.done for line in checklist(known)}
    assert done["declaration"] is None
    assert ("report" in done) == (known.kind != "invention")
    assert done.get("report") in (None, known.report == "positive")
    assert done.get("owners", False) in (False, known.owners == "signed")
    assert done.get("pledge") in (None, known.pledged == "with_consent")


# --- from rows


class Stage:
    def __init__(self, **terms: Any) -> None:
        with unit_of_work():
            self.holding, self.sharing = factories.organisation(), factories.organisation()
            self.holder = factories.actor(self.holding)
            self.stranger = factories.actor(factories.organisation())
            self.patent = factories.patent(self.holding, self.sharing, kind="utility_model",
                                           expires_on=dt.date(2029, 3, 1))  # fmt: skip
        values = {"fee_form": "free", "term_to": dt.date(2028, 11, 30), "contact": "示例 021-0"} | terms
        with unit_of_work(self.holder):
            self.offer = services.draft_offer(self.holder, self.patent, values)


@pytest.fixture
def stage(context: None) -> Stage:
    return Stage()


def test_papers_are_the_holders_and_come_in_their_time(stage: Stage) -> None:
    for actor in (stage.stranger, VISITOR):
        with pytest.raises((NotFound, Unauthenticated)):
            papers.make(actor, stage.offer, "declaration", "pdf")
    with pytest.raises(Conflict, match="paper-not-due"):
        papers.make(stage.holder, stage.offer, "withdrawal", "pdf")
    with pytest.raises(NotFound, match="paper-unknown"):
        papers.make(stage.holder, stage.offer, "declaration", "exe")
    with pytest.raises(NotFound, match="paper-unknown"):
        papers.make(stage.holder, stage.offer, "consent", "pdf", party=stage.stranger.organisation_id)
    made = papers.make(stage.holder, stage.offer, "declaration", "docx")
    assert made.name == f"{stage.patent.number}-declaration.docx"
    assert "免费许可" in words_of(made.content)
    with unit_of_work():
        live = factories.live_offer(stage.holding)
    assert papers.make(stage.holder, live, "withdrawal", "pdf").content.startswith(b"%PDF")
    with pytest.raises(Conflict, match="paper-not-due"):
        papers.make(stage.holder, live, "declaration", "pdf")


def test_an_incomplete_declaration_has_no_paper_and_a_rare_character_is_named(context: None) -> None:
    stage = Stage(contact=None)
    with pytest.raises(Invalid, match="declaration-incomplete") as caught:
        papers.make(stage.holder, stage.offer, "declaration", "pdf")
    assert set(caught.value.fields) == {"contact"}
    with unit_of_work(stage.holder):
        services.edit_draft(stage.holder, stage.offer.id, {"contact": "李\U0003134f"})
    with pytest.raises(Unavailable, match="font-missing") as unprintable:
        papers.make(stage.holder, stage.offer, "declaration", "pdf")
    assert unprintable.value.parameters["characters"] == "\U0003134f"


@needs_poppler
def test_the_checklist_is_made_from_the_facts(stage: Stage, tmp_path: Path) -> None:
    lines = {line.code: line.done for line in papers.to_hand_in(stage.holder, stage.offer)}
    assert lines == {"declaration": None, "owners": False, "report": True}
    said = text_of(papers.make(stage.holder, stage.offer, "checklist", "pdf").content, tmp_path)
    assert "专利权评价报告" in said
    assert "全体共有专利权人的书面同意意见" in said


def test_many_papers_come_as_one_archive_that_names_what_could_not_be_made(stage: Stage) -> None:
    with unit_of_work(stage.holder):
        bad = services.draft_offer(stage.holder, stage.patent, {"fee_form": "free"})
    with unit_of_work():
        live = factories.live_offer(stage.holding)
        foreign = factories.live_offer(factories.organisation())
    ids = [stage.offer.id, bad.id, live.id, foreign.id, stage.offer.id]
    pieces = list(papers.bundle(stage.holder, ids))
    assert len(pieces) > 3
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert archive.testzip() is None
    names = archive.namelist()
    own = f"{stage.patent.number}-{stage.offer.id}/{stage.patent.number}"
    for suffix in ("declaration.pdf", "declaration.docx", "checklist.pdf", f"consent-{stage.sharing.id}.pdf"):
        assert f"{own}-{suffix}" in names
    assert any(name.endswith("withdrawal.docx") for name in names)
    faults = archive.read("not-made.txt").decode()
    assert f"{foreign.id}: " in faults
    assert f"-{bad.id}/declaration.pdf: " in faults
    assert not any(f"-{foreign.id}/" in name for name in names)
    with pytest.raises(Invalid, match="papers-none"):
        papers.bundle(stage.holder, [])
    with pytest.raises(Invalid, match="papers-too-many"):
        papers.bundle(stage.holder, range(1, 502))


def test_the_day_of_the_papers_is_the_clocks() -> None:
    assert content.term_line(replace(TERMS, term_from=dt.date(2026, 12, 1))).startswith("自 2026年12月1日")
    assert clock.today()


@needs_poppler
@pytest.mark.parametrize("kind", ["declaration", "checklist"])
def test_a_paper_bears_the_platforms_seal_and_says_that_it_is_no_partys_signature(
    stage: Stage, tmp_path: Path, kind: str
) -> None:
    made = papers.make(stage.holder, stage.offer, kind, "pdf").content
    check = verify(made, signer().trust_roots)
    assert (check.intact, check.valid, check.trusted, check.covers_whole_file) == (True, True, True, True)
    said = text_of(made, tmp_path)
    assert "在签章所示时刻生成" in said
    assert "不是专利权人、质权人或者专利代理机构的签字或者盖章" in said
    assert "平台生成，非当事人签章" in said
    changed = made.replace(b"%PDF-1.7", b"%PDF-1.6", 1)
    assert not verify(changed, signer().trust_roots).intact
    # The parties go on signing a declaration; nobody signs a checklist.
    permitted = b"/P 2" if kind == "declaration" else b"/P 1"
    assert permitted in made[made.index(b"/TransformParams") :]


@needs_poppler
def test_the_seal_never_lies_over_what_the_paper_says(tmp_path: Path) -> None:
    for lines in (1, 14, 26, 40):
        terms = replace(TERMS, fee_explanation="依据研发成本与同类许可测算。\n" * lines)
        sheet = content.declaration(terms, FRAME)
        path = tmp_path / f"{lines}.pdf"
        path.write_bytes(typesetting.pdf(sheet, sealed=True))
        # Only the label of its place stands where the stamp goes: words are read by their place on the sheet.
        box = ["-x", "334", "-y", "670", "-W", "194", "-H", "80"]
        pages = subprocess.run(["pdfinfo", str(path)], capture_output=True, check=True).stdout.decode()
        last = next(line.split()[1] for line in pages.splitlines() if line.startswith("Pages"))
        cut = subprocess.run(
            ["pdftotext", "-f", last, "-l", last, *box, str(path), "-"], capture_output=True, check=True
        )
        assert "".join(cut.stdout.decode().split()) == "电子签章处"
