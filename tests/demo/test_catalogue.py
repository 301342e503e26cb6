"""The committed catalogue: enough of everything, consistent, and plainly invented."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from importlib import resources
from typing import Any

import pytest

from marketplace.core import clock
from marketplace.core.identifiers import PatentNumber, credit_code, parse_classification
from marketplace.demo import accounts, activity
from marketplace.demo.catalogue import DATA, FIRST_DAY, LAST_DAY, Catalogue, barred_now
from marketplace.listings import rules

CATALOGUE = Catalogue()
Row = dict[str, Any]

# Names of real bodies that an inventor of names might hit upon; none may occur anywhere in the catalogue.
REAL_BODIES = re.compile(
    "清华|北京大学|复旦|同济|交通大学|华东师范|华东理工|东华大学|上海大学|上海理工|上海海事|上海海洋|"
    "海事大学|浙江大学|南京大学|东南大学|中国科学|中科院|科学技术大学|哈尔滨工业|苏州大学|江南大学|"
    "瑞金|华山医院|中山医院|仁济|新华医院|儿童医学中心|宝钢|宝武|上汽|上海电气|振华重工|商飞|华为|"
    "腾讯|阿里|百度|京东|小米|比亚迪|宁德时代|中兴|海尔|美的|格力|工商银行|建设银行|农业银行|"
    "中国银行|交通银行|招商银行|浦发|上海银行|光明|恒瑞|药明|联影|蔚来|博世|国家电网|"
    "中石化|中石油|中车|中船|隧道股份|上海建工|城投|申能"
)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def every_text() -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(DATA.glob("*.jsonl")))


def live_offers() -> list[Row]:
    gone = {row["declaration_number"] for row in CATALOGUE.withdrawals}
    return [
        row
        for row in CATALOGUE.offers
        if row["declaration_number"] not in gone
        and "revoked_on" not in row
        and day(row["term_to"]) > LAST_DAY
        and CATALOGUE.patents[row["patent_number"]]["legal_status"] != "terminated"
    ]


def test_there_is_as_much_as_promised() -> None:
    types = Counter(row["type"] for row in CATALOGUE.organisations)
    assert set(types) == {"university", "institute", "hospital", "enterprise", "individual", "agency"}
    assert len(CATALOGUE.organisations) >= 12
    assert types["individual"] >= 3
    assert len(CATALOGUE.patents) == 200
    assert len(live_offers()) >= 150
    assert len(CATALOGUE.demands) >= 40
    open_ones = [row for row in CATALOGUE.licences if row["kind"] == "open"]
    assert len(open_ones) >= 60
    assert len({row["patent_number"] for row in open_ones}) >= 25
    assert sum(row["kind"] == "ordinary" for row in CATALOGUE.licences) == 4


def test_patents_lie_in_every_section_and_every_symbol_has_a_title_in_both_languages() -> None:
    titles: dict[str, tuple[str, str]] = {}
    for name in ("ipc.tsv", "locarno.tsv"):
        lines = resources.files("marketplace.listings").joinpath("data", name).read_text("utf-8").splitlines()
        for line in lines[1:]:
            symbol, zh, en = line.split("\t")
            titles[symbol] = (zh, en)
    sections = Counter()
    for row in CATALOGUE.patents.values():
        symbols = [parse_classification(text) for text in row["ipc"].split(";")]
        sections[symbols[0].canonical[0]] += row["kind"] != "design"
        for symbol in symbols:
            named = symbol.path()[:3] if row["kind"] != "design" else symbol.path()[:1]
            for place in named:
                assert all(titles.get(place, ())), place
                assert place in titles, place
    assert all(sections[section] >= 15 for section in "ABCDEFGH"), sections


def test_every_price_form_occurs_and_about_a_third_is_free() -> None:
    forms = Counter(row["fee_form"] for row in live_offers())
    assert set(forms) == {"free", "fixed", "royalty_net_sales", "royalty_profit", "entry_plus_royalty"}
    assert 0.25 < forms["free"] / forms.total() < 0.4
    assert min(forms.values()) >= 5


def test_numbers_are_valid_unique_and_out_of_the_range_in_use() -> None:
    for number in CATALOGUE.patents:
        parsed = PatentNumber.parse(number)
        assert parsed.canonical == number
        assert 9_000_000 <= int(parsed.serial[5:]) <= 9_009_999
    declarations = [row["declaration_number"] for row in CATALOGUE.offers + CATALOGUE.unannounced
                    if row.get("declaration_number")]  # fmt: skip
    assert len(set(declarations)) == len(declarations)
    assert all(number.startswith("DEMO-") for number in declarations)
    recordals = [row["recordal_number"] for row in CATALOGUE.licences if row["recordal_number"]]
    assert len(set(recordals)) == len(recordals)
    assert all(number.startswith("DEMO-") for number in recordals)


def test_credit_codes_are_valid_and_of_divisions_that_are_not_assigned() -> None:
    divisions = resources.files("marketplace.listings").joinpath("data/divisions.tsv").read_text("utf-8")
    assigned = {line.split("\t")[0] for line in divisions.splitlines()}
    codes = [row["code"] for row in CATALOGUE.organisations if row["code"]]
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert credit_code(code) == code
        assert code[4:8] == "9900"
        assert code[2:8] not in assigned
    assert len({row["name"] for row in CATALOGUE.organisations}) == len(CATALOGUE.organisations)


def test_no_real_body_is_named_and_every_address_is_an_example() -> None:
    text = every_text()
    assert REAL_BODIES.findall(text) == []
    for domain in re.findall(r"@([\w.-]+)", text):
        assert domain.endswith(".example")
    for telephone in re.findall(r"电话\s*([\d-]+)", text):
        assert telephone.startswith("000-")
    assert all(row["bank_name"].startswith("示例银行") for row in CATALOGUE.organisations)
    assert len({row["bank_account"] for row in CATALOGUE.organisations}) == len(CATALOGUE.organisations)
    assert all(account.email.endswith("@demo.example") for account in accounts.SHOWN)


@pytest.mark.parametrize("row", CATALOGUE.offers, ids=lambda row: row["declaration_number"])
def test_a_declaration_is_one_that_the_rules_allow(row: Row) -> None:
    patent = CATALOGUE.patents[row["patent_number"]]
    announced, first, last = (day(row[name]) for name in ("announced_on", "term_from", "term_to"))
    assert FIRST_DAY <= announced <= LAST_DAY
    assert day(patent["grant_date"]) < announced
    assert first == announced < last <= clock.patent_expiry(patent["kind"], day(patent["filing_date"]))
    assert last <= clock.add_months(first, 12 * 8)
    assert 60 <= len(row["fee_explanation"]) <= 150
    said = row["fee_explanation"] + row["payment_text"] + row["contact"]
    assert rules.promotional_words(said) == []
    assert row["contact"]
    holder = next(o for o in CATALOGUE.organisations if o["name"] == patent["patentees"].split(";")[0])
    if row["fee_form"] == "free":
        assert not row["fee"]
        assert not row["channels"]
    else:
        assert row["channels"].split(";")[0] == "bank"
        assert ("stripe" in row["channels"]) <= bool(holder["stripe_account"])
        assert row["payee"].split("|")[2] == holder["bank_account"]
    if row["fee"]:
        assert 5_000 <= int(row["fee"]) <= 800_000
        assert f"{int(row['fee']):,}" in row["payment_text"]
    if row["rate"]:
        assert f"{row['rate']}%" in row["payment_text"]


def test_announcements_are_spread_over_all_months() -> None:
    months = Counter(row["announced_on"][:7] for row in CATALOGUE.offers)
    assert len(months) == 25
    assert min(months.values()) >= 2


def test_only_three_live_offers_are_barred_now() -> None:
    barred = {
        row["patent_number"] for row in live_offers() if barred_now(CATALOGUE.patents[row["patent_number"]])
    }
    lapsed_annuity = {
        row["patent_number"]
        for row in live_offers()
        if CATALOGUE.patents[row["patent_number"]]["annuity_paid_until"] < LAST_DAY.isoformat()
    }
    assert len(barred | lapsed_annuity) == 3


def test_a_patent_is_declared_anew_only_after_its_withdrawal() -> None:
    withdrawn = {row["declaration_number"]: row["withdrawn_on"] for row in CATALOGUE.withdrawals}
    by_patent: dict[str, list[Row]] = {}
    for row in CATALOGUE.offers:
        by_patent.setdefault(row["patent_number"], []).append(row)
    again = [rows for rows in by_patent.values() if len(rows) > 1]
    assert len(again) == 4
    for first, second in again:
        assert withdrawn[first["declaration_number"]] < second["announced_on"]
    for row in CATALOGUE.offers:
        assert row["announced_on"] < withdrawn.get(row["declaration_number"], "9999")


def test_licences_follow_the_announcement_and_come_before_its_end() -> None:
    offers = {row["declaration_number"]: row for row in CATALOGUE.offers}
    withdrawn = {row["declaration_number"]: row["withdrawn_on"] for row in CATALOGUE.withdrawals}
    organisations = {row["name"]: row for row in CATALOGUE.organisations}
    seen = set()
    for row in CATALOGUE.licences:
        key = (row["patent_number"], row["declaration_number"], row["licensee"])
        assert key not in seen
        seen.add(key)
        assert organisations[row["licensee"]]["code"] == row["licensee_code"]
        assert row["licensee"] not in CATALOGUE.patents[row["patent_number"]]["patentees"]
        for later in ("recorded_on", "ended_on"):
            assert not row[later] or row["effective_on"] < row[later] <= LAST_DAY.isoformat()
        if row["kind"] == "ordinary":
            continue
        offer = offers[row["declaration_number"]]
        assert offer["patent_number"] == row["patent_number"]
        assert offer["announced_on"] <= row["notice_on"] <= row["effective_on"] <= offer["term_to"]
        assert row["effective_on"] < withdrawn.get(row["declaration_number"], "9999")
        assert row["amount"] == (offer["fee"] or "0")
        assert (row["paid_on"] == row["effective_on"]) if offer["fee"] else not row["paid_on"]
    open_ones = [row for row in CATALOGUE.licences if row["kind"] == "open"]
    types = {organisations[row["licensee"]]["type"] for row in open_ones}
    assert {"enterprise", "hospital", "individual"} <= types
    assert any(not row["recorded_on"] for row in open_ones)
    assert max(Counter(row["patent_number"] for row in open_ones).values()) <= 8


def test_declarations_that_are_not_announced_stand_in_every_state() -> None:
    states = Counter(row["state"] for row in CATALOGUE.unannounced)
    assert states == {"draft": 3, "filed": 3, "holder_stated": 2, "price_notice": 1, "refused": 1}
    announced = {row["patent_number"] for row in CATALOGUE.offers}
    assert announced.isdisjoint(row["patent_number"] for row in CATALOGUE.unannounced)


def test_activity_is_the_same_every_time_and_no_notice_comes_unseen() -> None:
    shelf = activity.Shelf(7, "DEMO-KF202411001", dt.date(2025, 1, 3), dt.date(2025, 12, 31),
                           (dt.date(2025, 1, 3), dt.date(2025, 6, 2)), free=False)  # fmt: skip
    rows = list(activity.rows_of(shelf))
    assert rows == list(activity.rows_of(shelf))
    keys = [(row["day"], row["kind"], row["channel"], row["audience"]) for row in rows]
    assert len(set(keys)) == len(keys)
    for notice in shelf.notices:
        assert any(row["kind"] == "opened" and row["day"] <= notice for row in rows)
    assert all(shelf.first <= row["day"] <= shelf.last and row["count"] > 0 for row in rows)


def test_some_offers_are_never_opened_and_a_few_never_shown() -> None:
    kinds = []
    for row in CATALOGUE.offers:
        shelf = activity.Shelf(
            1, row["declaration_number"], day(row["announced_on"]), LAST_DAY, (), free=False
        )
        kinds.append({one["kind"] for one in activity.rows_of(shelf)})
    assert sum("shown" not in found for found in kinds) >= 2
    assert sum("opened" not in found for found in kinds) >= 10
    assert sum("opened" in found for found in kinds) >= 80


def test_the_files_are_one_json_object_a_line() -> None:
    for path in DATA.glob("*.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            assert isinstance(json.loads(line), dict)
