"""Offers by API: search, one offer, drafts and the steps of their life."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from marketplace.search import suggestions
from tests.api.conftest import INSTANT, World, ok, problem, same_with

TERMS = {
    "fee_form": "fixed",
    "fee": 50000,
    "payment_text": "一次性支付",
    "term_from": "2026-12-01",
    "term_to": "2031-11-30",
    "contact": "示例联系人 021-00000000",
    "fee_explanation": "参照同类许可计算。",
}


def test_the_search_answers_in_the_shape_of_the_contract(world: World) -> None:
    fixed = world.offer()
    free = world.offer(fee_form="free", fee_minor=None, channels=[], payment_text="免费")
    world.index()
    page = ok(world.visitor.get("/offers?q=示例装置&size=10&sort=newest"))
    assert set(page) == {
        "items", "total", "page", "size", "facets", "engine", "degraded", "as_of", "widened", "relaxed",
        "did_you_mean", "without_filters",
    }  # fmt: skip
    assert (page["total"], page["page"], page["size"], page["degraded"]) == (2, 1, 10, False)
    assert page["engine"] == "embedded"
    assert INSTANT.fullmatch(page["as_of"])
    by_id = {item["id"]: item for item in page["items"]}
    assert set(by_id) == {fixed, free}
    assert set(by_id[fixed]) == {
        "id", "patent_number", "declaration_number", "title", "status", "live", "fee", "district", "owners",
        "licences", "highlights",
    }  # fmt: skip
    assert by_id[fixed]["fee"] == {
        "form": "fixed",
        "amount": {"amount_minor": 5_000_000, "currency": "CNY"},
        "rate_percent": None,
        "rate_base": None,
    }
    assert by_id[free]["fee"]["amount"] == {"amount_minor": 0, "currency": "CNY"}
    assert "<mark>" in by_id[fixed]["highlights"]["title"]
    assert {"value": "free", "count": 1} in page["facets"]["fee_form"]


def test_repeated_filters_are_alternatives_and_a_fee_limit_keeps_free_offers(world: World) -> None:
    world.offer()
    free = world.offer(fee_form="free", fee_minor=None, channels=[])
    world.offer(fee_form="royalty_net_sales", fee_minor=None, rate_percent=Decimal(3), rate_base="net_sales")
    world.index()
    both = ok(world.visitor.get("/offers?fee_form=free&fee_form=royalty_net_sales"))
    assert both["total"] == 2
    cheap = ok(world.visitor.get("/offers?fee_max=100"))
    assert [item["id"] for item in cheap["items"]] == [free]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("colour=red", "search-parameter-unknown", "colour"),
        ("sort=luck", "search-value-unknown", "sort"),
        ("page=101&size=100", "search-too-deep", "page"),
        ("page=0", "search-not-a-count", "page"),
    ],
)
def test_what_the_search_does_not_know_is_refused(world: World, query: str, code: str, field: str) -> None:
    body = problem(world.visitor.get(f"/offers?{query}"), 422, code)
    assert field in body["errors"]


def test_an_answer_says_what_was_done_with_the_words_and_hints_come_while_typing(world: World) -> None:
    world.offer()
    world.index()
    widened = ok(world.visitor.get("/offers?q=电池"))["widened"]
    assert widened[0]["ipc"] == ["H01M"]
    assert ok(world.visitor.get("/offers?q=电池&exact=1"))["widened"] == []
    relaxed = ok(world.visitor.get("/offers?q=示列装置"))
    assert (relaxed["relaxed"], relaxed["total"]) == ("characters", 1)
    none = ok(world.visitor.get("/offers?q=示例装置&announced_to=2001-01-01"))
    assert (none["total"], none["relaxed"], none["without_filters"]) == (0, None, 1)
    with world.app.app_context():
        world.app.extensions.pop(
            "marketplace.search.suggestions", None
        )  # of a test before, rolled back since
        suggestions.refresh()
    items = ok(world.visitor.get("/suggest?q=shili"))["items"]
    assert {"kind": "word", "text": "示例", "title_zh": None, "title_en": None, "offers": 1} in items
    problem(world.visitor.get("/suggest?query=x"), 422, "request-invalid")


def test_past_the_end_there_is_an_empty_page(world: World) -> None:
    world.offer()
    world.index()
    page = ok(world.visitor.get("/offers?page=9"))
    assert (page["items"], page["total"]) == ([], 1)


def test_without_an_index_the_search_says_that_it_is_unavailable(world: World) -> None:
    answer = world.visitor.get("/offers?q=电池")
    problem(answer, 503, "search-unavailable")
    assert answer.headers["Retry-After"]


def test_without_an_index_a_patent_number_is_still_found(world: World) -> None:
    offer = world.offer()
    number = ok(world.visitor.get(f"/offers/{offer}"))["patent_number"]
    page = ok(world.visitor.get(f"/offers?q={number}"))
    assert (page["engine"], page["degraded"], page["total"]) == ("database", True, 1)
    assert page["items"][0]["id"] == offer
    problem(world.visitor.get(f"/offers?q={number}&kind=design"), 503, "search-unavailable")


def test_a_draft_goes_all_the_way_to_a_live_offer(world: World) -> None:
    number = world.patent()
    draft = ok(world.holder.post("/offers", {"patent_number": number, **TERMS}), 201)
    assert (draft["status"], draft["evidence"], draft["live"], draft["pending"]) == (
        "draft",
        None,
        False,
        None,
    )
    offer = f"/offers/{draft['id']}"
    actions = {action["name"]: action for action in draft["actions"]}
    assert {"file", "edit", "submit_review", "ready"} <= set(actions)
    assert "announce" not in actions
    assert actions["file"]["href"] == f"/api/v1{offer}/actions/file"
    assert "filed_on" in actions["file"]["schema"]["properties"]

    filed = ok(world.holder.post(f"{offer}/actions/file", {"filed_on": "2026-11-10"}))
    assert (filed["status"], filed["filed_on"]) == ("filed", "2026-11-10")
    announced = ok(
        world.holder.post(
            f"{offer}/actions/announce", {"declaration_number": "KF-示例-1", "announced_on": "2026-11-18"}
        )
    )
    assert (announced["status"], announced["evidence"], announced["live"], announced["pending"]) == (
        "announced", "holder_stated", False, "verification",
    )  # fmt: skip
    problem(world.visitor.get(offer), 404, "offer-not-found")
    assert [action["name"] for action in ok(world.operator.get(offer))["actions"]].count("verify") == 1
    problem(world.holder.post(f"{offer}/actions/verify", {"source": "公报"}), 403, "forbidden")
    live = ok(world.operator.post(f"{offer}/actions/verify", {"source": "专利公报第 42 卷"}))
    assert (live["evidence"], live["live"], live["pending"]) == ("verified", True, None)
    seen = ok(world.visitor.get(offer))
    assert (seen["live"], seen["actions"], seen["payee"]) == (True, [], None)
    assert seen["patent_number"] == number

    pending = ok(world.holder.post(f"{offer}/actions/file_withdrawal", {"reason": "转让"}))
    assert (pending["status"], pending["live"], pending["pending"]) == (
        "withdrawal_filed",
        True,
        "withdrawal",
    )
    gone = ok(world.holder.post(f"{offer}/actions/withdraw", {"withdrawn_on": "2026-11-20"}))
    assert (gone["status"], gone["live"], gone["withdrawn_on"]) == ("withdrawn", False, "2026-11-20")


def test_a_draft_of_somebody_else_does_not_exist(world: World) -> None:
    draft = ok(world.holder.post("/offers", {"patent_number": world.patent(), **TERMS}), 201)
    for caller in (world.firm, world.visitor):
        problem(caller.get(f"/offers/{draft['id']}"), 404, "offer-not-found")
    problem(world.firm.post(f"/offers/{draft['id']}/actions/file"), 404, "offer-not-found")
    for odd in ("0", "x", "1e3", "9" * 30, "%00"):
        problem(world.visitor.get(f"/offers/{odd}"), 404, "offer-not-found")


def test_only_a_patentee_may_declare_and_the_patent_must_be_known(world: World) -> None:
    number = world.patent()
    problem(world.firm.post("/offers", {"patent_number": number}), 403, "forbidden")
    problem(world.visitor.post("/offers", {"patent_number": number}), 401, "sign-in-required")
    problem(world.holder.post("/offers", {"patent_number": "201910000001.9"}), 404, "patent-not-found")
    body = problem(world.holder.post("/offers", {"patent_number": "201910000001.6"}), 422, "request-invalid")
    assert body["errors"]["patent_number"]


def test_bad_fields_of_a_draft_are_named_one_by_one(world: World) -> None:
    answer = world.holder.post(
        "/offers",
        {
            "patent_number": world.patent(),
            "fee": "viel",
            "rate": 120,
            "term_to": "31.2.2030",
            "colour": "red",
        },
    )
    body = problem(answer, 422, "request-invalid")
    assert set(body["errors"]) == {"fee", "rate", "term_to", "colour"}


def test_an_incomplete_declaration_cannot_be_filed_and_a_barred_patent_neither(world: World) -> None:
    draft = ok(world.holder.post("/offers", {"patent_number": world.patent()}), 201)
    body = problem(world.holder.post(f"/offers/{draft['id']}/actions/file"), 422, "declaration-incomplete")
    assert "fee_form" in body["errors"]
    barred = world.patent(facts={"pledged": "without_consent"})
    draft = ok(world.holder.post("/offers", {"patent_number": barred, **TERMS}), 201)
    body = problem(world.holder.post(f"/offers/{draft['id']}/actions/file"), 409, "offer-barred")
    assert body["bars"] == "pledge"


def test_a_step_that_the_state_does_not_allow_names_those_that_it_does(world: World) -> None:
    draft = ok(world.holder.post("/offers", {"patent_number": world.patent(), **TERMS}), 201)
    body = problem(world.operator.post(f"/offers/{draft['id']}/actions/verify"), 409, "illegal-transition")
    assert "file" in body["possible"]
    problem(world.holder.post(f"/offers/{draft['id']}/actions/dance"), 404, "address-unknown")


def test_a_stale_version_is_refused_and_the_present_one_passes(world: World) -> None:
    draft = world.holder.post("/offers", {"patent_number": world.patent(), **TERMS})
    path, tag = f"/offers/{draft.get_json()['id']}", draft.headers["ETag"]
    changed = world.holder.post(f"{path}/actions/edit", {"fee": 60000}, headers={"If-Match": tag})
    assert ok(changed)["fee"]["amount"]["amount_minor"] == 6_000_000
    assert changed.headers["ETag"] != tag
    body = problem(
        world.holder.post(f"{path}/actions/edit", {"fee": 1}, headers={"If-Match": tag}), 412, "stale-version"
    )
    assert f'"{body["version"]}"' == changed.headers["ETag"]
    assert ok(world.holder.get(path))["fee"]["amount"]["amount_minor"] == 6_000_000
    ok(world.holder.post(f"{path}/actions/edit", {"fee": 7}, headers={"If-Match": "*"}))


def test_eligibility_shows_every_bar_with_its_fact(world: World) -> None:
    number = world.patent()
    found = ok(world.holder.get(f"/patents/{number}/eligibility"))
    assert found["may_file"] is True
    assert [bar["code"] for bar in found["bars"]] == [
        "not_granted", "exclusive_licence", "suspension", "annuity", "pledge", "terminated", "invalidated",
        "report_missing", "report_negative", "other",
    ]  # fmt: skip
    assert {bar["result"] for bar in found["bars"]} == {"clear"}
    unknown = world.make(lambda: _without_facts(world))
    body = ok(world.firm.get(f"/patents/{unknown}/eligibility"))
    assert body["may_file"] is False
    assert "unknown" in {bar["result"] for bar in body["bars"]}
    assert all(bar["remedy"] for bar in body["bars"] if bar["result"] != "clear")
    problem(world.visitor.get(f"/patents/{number}/eligibility"), 401, "sign-in-required")


def _without_facts(world: World) -> str:
    from tests import factories

    made = factories.patent(world.organisation(world.holder))
    made.facts.clear()
    return str(made.number)


def test_a_patent_is_entered_by_its_owner(world: World) -> None:
    values = {
        "number": "ZL 2019 1 0999999.X",
        "kind": "invention",
        "title": "一种示例换热器",
        "ipc": "F28D 7/16",
        "filing_date": "2019-10-21",
        "grant_date": "2021-06-01",
        "legal_status": "in_force",
        "annuity_paid_until": "2027-10-21",
    }
    answer = world.holder.post("/patents", values)
    if answer.status_code == 422:
        values["number"] = _valid("201910999999")
        answer = world.holder.post("/patents", values)
    entered = ok(answer)
    assert entered["owners"] == ["示例大学"]
    assert entered["filing_date"] == "2019-10-21"
    assert ok(world.holder.get(f"/patents/{entered['number']}"))["id"] == entered["id"]
    problem(world.firm.post("/patents", values | {"title": "别的名称"}), 403, "forbidden")


def _valid(serial: str) -> str:
    from marketplace.core.identifiers import check_digit

    return serial + check_digit(serial)


def test_a_read_token_may_look_but_not_write(world: World) -> None:
    reader = same_with(world.holder, "read")
    number = world.patent()
    body = problem(reader.post("/offers", {"patent_number": number}), 403, "scope-missing")
    assert body["scope"] == "write"
    assert ok(reader.get(f"/patents/{number}"))["number"] == number
    writer = same_with(world.holder, "write")
    problem(writer.get(f"/patents/{number}"), 403, "scope-missing")
    offer = world.offer()
    assert ok(reader.get(f"/offers/{offer}"))["actions"] == []


def test_dates_of_an_offer_are_shanghai_dates(world: World) -> None:
    offer = ok(world.visitor.get(f"/offers/{world.offer(announced_on=dt.date(2026, 9, 1))}"))
    assert offer["announced_on"] == "2026-09-01"
    assert INSTANT.fullmatch(offer["created_at"])


def test_the_holders_side_sees_consents_the_price_notice_and_papers(world: World) -> None:
    number = world.patent()
    draft = ok(world.holder.post("/offers", {"patent_number": number, **TERMS}), 201)
    offer = f"/offers/{draft['id']}"
    assert [(one["capacity"], one["state"]) for one in draft["consents"]] == [("patentee", "not_asked")]
    assert draft["price_notice"] is None
    assert {"discard", "start_price_notice"} <= {action["name"] for action in draft["actions"]}
    shown = ok(world.holder.post(f"{offer}/actions/start_price_notice"))["price_notice"]
    assert (shown["starts_on"], shown["ends_on"], shown["undecided"]) == ("2026-11-20", "2026-12-07", 0)
    for paper in draft["papers"]:
        answer = world.holder.get(paper["url"])
        assert answer.status_code == 200
        assert answer.data.startswith(b"%PDF" if paper["format"] == "pdf" else b"PK")
        problem(world.firm.get(paper["url"]), 404, "offer-not-found")
        problem(world.visitor.get(paper["url"]), 401, "sign-in-required")
    problem(world.holder.get(f"{offer}/papers/withdrawal.pdf"), 409, "paper-not-due")
    live = world.offer()
    for caller in (world.firm, world.visitor):
        seen = ok(caller.get(f"/offers/{live}"))
        assert (seen["consents"], seen["price_notice"], seen["papers"]) == (None, None, None)
    assert {one["kind"] for one in ok(world.holder.get(f"/offers/{live}"))["papers"]} == {
        "withdrawal",
        "checklist",
    }


def test_a_draft_is_discarded_and_a_filing_reopened(world: World) -> None:
    draft = ok(world.holder.post("/offers", {"patent_number": world.patent(), **TERMS}), 201)
    offer = f"/offers/{draft['id']}"
    ok(world.holder.post(f"{offer}/actions/file", {"filed_on": "2026-11-10"}))
    problem(world.holder.post(f"{offer}/actions/discard"), 409, "illegal-transition")
    assert ok(world.holder.post(f"{offer}/actions/reopen"))["status"] == "ready"
    ok(world.holder.post(f"{offer}/actions/edit", {"fee": 60000}))
    assert ok(world.holder.post(f"{offer}/actions/discard"))["status"] == "discarded"
    refused = world.holder.post(
        "/offers", {"patent_number": world.patent(), **TERMS, "contact": "仅限上海市企业"}
    )
    assert set(problem(refused, 422, "offer-invalid")["errors"]) == {"contact"}
