"""The written notice, the deal certificate and the signature on them."""

import asyncio
import hashlib
import logging
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.sign.signers import SimpleSigner

from marketplace.core.papers import MissingGlyph, content_digest
from marketplace.core.papers.signing import Signer, SigningKeyUnusable, demo_certificate, verify
from marketplace.core.papers.wording import instant, renminbi_in_words, sum_of_money
from marketplace.deals.documents import (
    CertificateDocument,
    FeeBasis,
    NoticeDocument,
    Owed,
    Paid,
    Party,
    certificate_pdf,
    notice_pdf,
)

needs_poppler = pytest.mark.usefixtures("poppler_folder")

HOLDER = Party("虚构甲市海岚理工大学", contact="技术转移办公室 tto@example.org")
LICENSEE = Party("虚构沪东新材料有限公司", "91990000MA0000000X", "王示例 000-0000-0000")

NOTICE = NoticeDocument(
    number="TZ-2026-000123",
    noticed_at=datetime(2026, 11, 19, 18, 2, 10, tzinfo=UTC),
    licensee=LICENSEE,
    holder=HOLDER,
    patent_number="ZL 2021 1 9000001.3",
    patent_title="一种固态电解质复合膜及其制备方法",
    declaration_number="KF2026-000045",
    announced_on=date(2026, 3, 11),
    fee_text="一次总付人民币 50,000 元；另按净销售额的 2% 逐年提成，每年 3 月 31 日前结清上一年度。",
    fee_basis=FeeBasis.PAID,
    term_from=date(2026, 11, 20),
    term_to=date(2029, 3, 10),
    owed=(
        Owed("入门费", 5_000_000, due_on=date(2026, 12, 20)),
        Owed("提成", terms="净销售额的 2%，每年 3 月 31 日前结清"),
    ),
    issuer="示例市专利开放许可服务平台",
    intended_use="用于软包电池隔膜的小批量试制",
    demonstration=True,
)

CERTIFICATE = CertificateDocument(
    number="XK-2026-000088",
    issued_at=datetime(2026, 11, 24, 2, 2, 10, tzinfo=UTC),
    licensee=LICENSEE,
    holder=HOLDER,
    patent_number=NOTICE.patent_number,
    patent_title=NOTICE.patent_title,
    declaration_number=NOTICE.declaration_number,
    announced_on=NOTICE.announced_on,
    notice_number=NOTICE.number,
    noticed_at=NOTICE.noticed_at,
    fee_text=NOTICE.fee_text,
    fee_basis=FeeBasis.PAID,
    payments=(Paid("银行转账", 5_000_000, "CNY", date(2026, 11, 23), "HZ20261123-000017"),),
    term_from=NOTICE.term_from,
    term_to=NOTICE.term_to,
    effective_at=datetime(2026, 11, 23, 6, 30, tzinfo=UTC),
    recordal_due_on=date(2027, 2, 23),
    check_code="7QKF-M2XD-94HT",
    check_url="https://marketplace.example/verify/7QKF-M2XD-94HT",
    issuer=NOTICE.issuer,
    demonstration=True,
)


def printed(pdf: bytes) -> str:
    """The text a reader can copy out of the file, without white space: lines may break anywhere."""
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return re.sub(r"\s+", "", text)


def sheets(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return demo_certificate(tmp_path_factory.mktemp("instance"))


@pytest.fixture(scope="module")
def signer(key: tuple[Path, str]) -> Signer:
    return Signer(*key)


@pytest.fixture(scope="module")
def signed(signer: Signer) -> bytes:
    return signer.sign(certificate_pdf(CERTIFICATE), "出具成交凭证", "示例市", CERTIFICATE.issuer)


@needs_poppler
@pytest.mark.parametrize(
    "words",
    [
        "专利开放许可实施通知书",
        NOTICE.number,
        "依据《中华人民共和国专利法》第五十一条第一款，现以书面方式通知贵方",
        LICENSEE.name,
        LICENSEE.code,
        LICENSEE.contact,
        HOLDER.name,
        HOLDER.contact,
        NOTICE.patent_number,
        NOTICE.patent_title,
        NOTICE.declaration_number,
        "公告日2026年3月11日",
        NOTICE.fee_text,
        "2026年11月20日至2029年3月10日",
        NOTICE.intended_use,
        "入门费：¥50,000.00（人民币伍万元整），最迟支付日2026年12月20日",
        "提成：净销售额的2%，每年3月31日前结清",
        "2026年11月20日02:02:10（北京时间）",  # the evening before in UTC
        content_digest(NOTICE),
    ],
)
def test_the_notice_states_what_article_51_asks_for(words: str) -> None:
    assert re.sub(r"\s+", "", words) in printed(notice_pdf(NOTICE))


@needs_poppler
@pytest.mark.parametrize(
    "words",
    [
        "专利开放许可成交凭证",
        CERTIFICATE.number,
        LICENSEE.name,
        LICENSEE.code,
        HOLDER.name,
        CERTIFICATE.patent_number,
        CERTIFICATE.patent_title,
        CERTIFICATE.declaration_number,
        "开放许可（普通许可）·中国境内",
        "2026年11月20日至2029年3月10日",
        CERTIFICATE.fee_text,
        "银行转账·¥50,000.00（人民币伍万元整）·2026年11月23日",
        "HZ20261123-000017",
        "2026年11月23日14:30:00（北京时间）",
        "最迟于2027年2月23日向国家知识产权局申请备案",
        CERTIFICATE.check_code,
        CERTIFICATE.check_url,
        "本凭证不是国家知识产权局的专利实施许可合同备案证明，也不对专利权是否有效作出证明",
        "专利权终止或者被宣告无效的，本许可随之终止",
        "neither the recordal with CNIPA nor a statement that the patent is valid",
        "Demonstration only",
    ],
)
def test_the_certificate_states_the_deal_and_its_limits(words: str) -> None:
    assert re.sub(r"\s+", "", words) in printed(certificate_pdf(CERTIFICATE))


@needs_poppler
def test_a_free_licence_is_never_said_to_be_paid() -> None:
    free = printed(
        certificate_pdf(replace(CERTIFICATE, fee_basis=FeeBasis.FREE, fee_text="无偿", payments=()))
    )
    assert "已依照公告的许可使用费支付方式" not in free
    assert "无偿，无须支付" in free
    assert "备案所需材料请先向国家知识产权局或其代办处确认" in free

    notice = printed(notice_pdf(replace(NOTICE, fee_basis=FeeBasis.FREE, fee_text="无偿", owed=())))
    assert "无偿，无应付款项" in notice


@needs_poppler
def test_a_royalty_licence_says_that_nothing_is_due_yet() -> None:
    text = printed(certificate_pdf(replace(CERTIFICATE, fee_basis=FeeBasis.ROYALTY, payments=())))
    assert "生效时尚无到期款项" in text
    assert "按期支付提成" in text


@needs_poppler
@pytest.mark.parametrize(
    "hostile",
    ["#panic()", "*x* _y_ `z`", "$ 1/0 $", "= 标题 <a> @b", '#image("/etc/passwd")', "\\u{1F600} \\ "],
)
def test_markup_in_user_text_is_printed_literally(hostile: str) -> None:
    party = Party(hostile, hostile, hostile)
    texts = (
        notice_pdf(
            replace(NOTICE, patent_title=hostile, intended_use=hostile, fee_text=hostile, licensee=party)
        ),
        certificate_pdf(replace(CERTIFICATE, patent_title=hostile, check_code=hostile, holder=party)),
    )
    for pdf in texts:
        assert printed(pdf).count(re.sub(r"\s+", "", hostile)) >= 2


@pytest.mark.parametrize("build", [lambda: notice_pdf(NOTICE), lambda: certificate_pdf(CERTIFICATE)])
def test_a_paper_is_one_sheet_of_pdf_a_2b_with_its_fonts_inside(build) -> None:  # type: ignore[no-untyped-def]
    pdf = build()
    assert sheets(pdf) == 1
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in pdf
    assert b"/FontFile" in pdf
    assert b"NotoSansSC" in pdf


def test_long_terms_shrink_before_they_need_a_second_sheet() -> None:
    assert sheets(certificate_pdf(replace(CERTIFICATE, fee_text=NOTICE.fee_text * 5))) == 1
    assert sheets(certificate_pdf(replace(CERTIFICATE, fee_text=NOTICE.fee_text * 35))) == 2


@needs_poppler
def test_very_long_terms_are_printed_whole() -> None:
    clauses = [f"第{number}项费用按公告支付。" for number in range(1, 200)]
    text = printed(notice_pdf(replace(NOTICE, fee_text="".join(clauses))))
    assert all(clause[:4] in text for clause in clauses)


def test_the_same_values_give_the_same_bytes_even_in_another_process() -> None:
    script = (
        "import hashlib; from tests.deals.test_documents import *;"
        "papers = (notice_pdf(NOTICE), certificate_pdf(CERTIFICATE));"
        "print(*(hashlib.sha256(pdf).hexdigest() for pdf in papers))"
    )
    other = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert other == [
        hashlib.sha256(pdf).hexdigest() for pdf in (notice_pdf(NOTICE), certificate_pdf(CERTIFICATE))
    ]


def test_the_creation_date_is_the_instant_in_the_data() -> None:
    assert b"D:20261119180210" in notice_pdf(NOTICE)
    assert b"D:20261124020210" in certificate_pdf(CERTIFICATE)


def test_the_digest_follows_the_values_and_not_the_time_zone() -> None:
    shifted = NOTICE.noticed_at.astimezone(timezone(timedelta(hours=8)))
    assert content_digest(replace(NOTICE, noticed_at=shifted)) == content_digest(NOTICE)
    assert content_digest(replace(NOTICE, fee_text="无偿")) != content_digest(NOTICE)


def test_an_instant_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        notice_pdf(replace(NOTICE, noticed_at=datetime(2026, 11, 20)))


@pytest.mark.parametrize("rare", ["𠮷", "㐀", "𠮷㐀", "😀", "\ud800", "\ue000", "\x07", "\u202e"])
def test_characters_without_a_glyph_are_named_instead_of_drawn_as_boxes(rare: str) -> None:
    for build in (
        lambda: notice_pdf(replace(NOTICE, licensee=Party(f"虚构{rare}记有限公司{rare}"))),
        lambda: certificate_pdf(replace(CERTIFICATE, patent_title=f"一种{rare}方法")),
    ):
        with pytest.raises(MissingGlyph) as caught:
            build()
        assert caught.value.characters == rare


@pytest.mark.parametrize("name", ["镕喆龘堃昇", "①㎡℃αΩЖ≥‰Ⅳ", "Müller & Søn é", "(C₁₂H₂₂)ₙ"])
def test_characters_of_names_and_chemistry_are_drawn(name: str) -> None:
    assert sheets(certificate_pdf(replace(CERTIFICATE, patent_title=name))) == 1


def test_a_folder_without_the_character_does_not_help(tmp_path: Path) -> None:
    with pytest.raises(MissingGlyph):
        certificate_pdf(replace(CERTIFICATE, patent_title="𠮷"), fallback_fonts=tmp_path)


@given(st.text(max_size=60))
def test_any_text_is_either_printed_or_refused_by_name(text: str) -> None:
    try:
        pdf = certificate_pdf(replace(CERTIFICATE, patent_title=text))
    except MissingGlyph as error:
        pdf, missing = None, error.characters
    else:
        missing = ""
    assert (pdf is None) == bool(missing)
    assert set(missing) <= set(text)


def test_a_signed_paper_is_intact_trusted_and_covered_whole(signer: Signer, signed: bytes) -> None:
    check = verify(signed, signer.trust_roots)
    assert (check.intact, check.valid, check.trusted, check.covers_whole_file) == (True, True, True, True)
    assert "自签名" in check.signer
    assert signed.startswith(certificate_pdf(CERTIFICATE) + b"\n")
    assert sheets(certificate_pdf(CERTIFICATE)) == 1


def test_a_later_signature_is_byte_for_byte_the_one_that_would_be_written_anew(signer: Signer) -> None:
    digests = [hashlib.sha256(text).digest() for text in (b"first", b"second")]
    kept = [asyncio.run(signer._signer.async_sign(one, "sha256", use_pades=True)).dump() for one in digests]
    anew = SimpleSigner.async_sign(signer._signer, digests[1], "sha256", use_pades=True)
    assert kept[1] == asyncio.run(anew).dump() != kept[0]


def test_the_root_file_beside_the_key_is_a_trust_root(key: tuple[Path, str], signed: bytes) -> None:
    assert verify(signed, [(key[0].parent / "root.pem").read_bytes()]).trusted


def test_one_flipped_byte_is_noticed_wherever_it_is(signer: Signer, signed: bytes) -> None:
    contents = signed.index(b"/Contents <", len(certificate_pdf(CERTIFICATE)))
    end = signed.index(b">", contents)
    for position in [*range(20, contents, contents // 60), *range(end + 1, len(signed), 100)]:
        damaged = bytearray(signed)
        damaged[position] ^= 1
        assert not verify(bytes(damaged), signer.trust_roots).intact, position


def test_an_appended_change_is_noticed(signer: Signer, signed: bytes) -> None:
    assert not verify(signed + b"\n% more", signer.trust_roots).covers_whole_file


def test_a_signature_of_another_key_is_not_trusted(signed: bytes, tmp_path: Path) -> None:
    stranger = Signer(*demo_certificate(tmp_path))
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    check = verify(signed, stranger.trust_roots)
    assert (check.intact, check.trusted) == (True, False)


@pytest.mark.parametrize("file", [b"", b"no paper at all", b"%PDF-1.7\n"])
def test_a_file_that_is_no_signed_paper_fails_the_check(signer: Signer, file: bytes) -> None:
    assert not verify(file, signer.trust_roots).intact
    assert not verify(certificate_pdf(CERTIFICATE), signer.trust_roots).valid


@needs_poppler
def test_the_stamp_is_drawn_on_the_last_sheet_in_chinese(signer: Signer) -> None:
    long = certificate_pdf(replace(CERTIFICATE, fee_text=NOTICE.fee_text * 35))
    text = subprocess.run(
        ["pdftotext", "-f", "2", "-l", "2", "-", "-"],
        input=signer.sign(long, "出具成交凭证", "示例市", "示例市专利平台"),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert "出具成交凭证" in text
    assert "示例市专利平台" in text


def test_the_demo_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path, password = demo_certificate(tmp_path)
    first = path.read_bytes()
    assert demo_certificate(tmp_path) == (path, password)
    assert path.read_bytes() == first
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    assert [entry.name for entry in tmp_path.iterdir()] == ["signing"]


def test_processes_that_start_together_end_with_one_demo_key(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from marketplace.core.papers.signing import demo_certificate;"
        "print(demo_certificate(Path(sys.argv[1]))[1])"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    passwords = {process.communicate(timeout=60)[0].strip() for process in started}
    assert passwords == {demo_certificate(tmp_path)[1]}
    Signer(*demo_certificate(tmp_path))


def test_a_wrong_password_or_file_is_named(key: tuple[Path, str], tmp_path: Path) -> None:
    with pytest.raises(SigningKeyUnusable):
        Signer(key[0], "wrong")
    (tmp_path / "key.p12").write_bytes(b"no key")
    with pytest.raises(SigningKeyUnusable):
        Signer(tmp_path / "key.p12", "wrong")
    with pytest.raises(FileNotFoundError):
        Signer(tmp_path / "absent.p12", "")


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (140_950, "壹仟肆佰零玖元伍角"),
        (600_714, "陆仟零柒元壹角肆分"),
        (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
        (32_504, "叁佰贰拾伍元零肆分"),
        (5_000_000, "伍万元整"),
        (2_000_000_000, "贰仟万元整"),
        (10_000_000_700, "壹亿零柒元整"),
        (10_000_500_000, "壹亿零伍仟元整"),
        (0, "零元整"),
        (7, "柒分"),
        (50, "伍角"),
        (1_000, "壹拾元整"),
    ],
)
def test_sums_in_words_follow_the_payment_rules(fen: int, words: str) -> None:
    assert renminbi_in_words(fen) == words


@given(st.integers(0, 10**14 - 1))
def test_words_of_a_sum_read_back_to_the_sum(fen: int) -> None:
    total = group = digit = 0
    for word in renminbi_in_words(fen).removesuffix("整"):
        if word in "零壹贰叁肆伍陆柒捌玖":
            digit = "零壹贰叁肆伍陆柒捌玖".index(word)
        elif word in "拾佰仟":
            group, digit = group + digit * {"拾": 10, "佰": 100, "仟": 1000}[word], 0
        elif word in "万亿元":
            group, digit = group + digit, 0
            total, group = total + group * {"万": 10**4, "亿": 10**8, "元": 1}[word] * 100, 0
        else:
            total, digit = total + digit * {"角": 10, "分": 1}[word], 0
    assert total == fen


def test_sums_outside_the_range_are_refused() -> None:
    for fen in (-1, 10**14):
        with pytest.raises(ValueError, match="words"):
            renminbi_in_words(fen)


def test_other_currencies_are_written_in_figures() -> None:
    assert sum_of_money(123_450, "USD") == "US$1,234.50"


def test_instants_are_written_in_shanghai_time() -> None:
    assert instant(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == "2027年1月1日 00:00:00（北京时间）"
