"""Errors as problem documents: one table, the caller's language, nothing told that is not for callers."""

from __future__ import annotations

import pytest

from marketplace.extensions import limiter
from tests.api.conftest import Caller, World, member, ok, problem


def test_errors_come_in_the_language_that_the_caller_asks_for(world: World) -> None:
    plain = problem(world.visitor.get("/offers/1"), 404, "offer-not-found")
    chinese = world.visitor.get("/offers/1", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    english = world.visitor.get("/offers/1", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert plain["detail"] == problem(chinese, 404, "offer-not-found")["detail"]
    assert english.get_json()["detail"] == "There is no such offer."
    assert (chinese.headers["Content-Language"], english.headers["Content-Language"]) == ("zh", "en")
    assert any("\u4e00" <= sign <= "\u9fff" for sign in plain["detail"] + plain["title"])


def test_field_errors_come_in_the_callers_language_too(world: World) -> None:
    values = {"patent_number": "1", "fee": "x", "colour": 1}
    chinese = problem(world.holder.post("/offers", values), 422, "request-invalid")
    english = problem(
        world.holder.post("/offers", values, headers={"Accept-Language": "en"}), 422, "request-invalid"
    )
    for field, sentences in chinese["errors"].items():
        assert any("\u4e00" <= sign <= "\u9fff" for sign in "".join(sentences)), (field, sentences)
        assert english["errors"][field][0].startswith(("This ", "Unknown ", "A "))


def test_an_address_that_is_not_there_and_a_method_that_it_does_not_know(world: World) -> None:
    body = problem(world.visitor.get("/nothing"), 404, "address-unknown")
    assert body["instance"] == "/api/v1/nothing"
    answer = world.visitor._call("DELETE", "/offers")
    problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]


def test_a_body_has_to_be_json(world: World) -> None:
    problem(world.holder.post("/offers", data="{", content_type="application/json"), 400, "json-invalid")
    problem(world.holder.post("/offers", data=b"\xff", content_type="application/json"), 400, "json-invalid")
    problem(world.holder.post("/offers", data="a=1"), 415, "content-type-unsupported")
    for odd in ("[]", "null", '"text"', "1"):
        answer = world.holder.post("/offers", data=odd, content_type="application/json")
        problem(answer, 422, "request-invalid")
    for odd in ("[" * 100_000, '{"a":' * 50_000, '{"fee": ' + "9" * 5_000 + "}", "NaN" * 2):
        answer = world.holder.post("/offers", data=odd, content_type="application/json")
        problem(answer, 400, "json-invalid")
    large = world.holder.post("/offers", {"patent_number": "1" * 2_000_000})
    problem(large, 413, "body-too-large")


@pytest.mark.parametrize("odd", ["\0", "\ud800", "a\0b", "\U0001f600" * 100])
def test_signs_that_a_database_cannot_keep_are_no_accident(world: World, odd: str) -> None:
    world.index()
    for path, values in (
        ("/demands", {"title": odd, "description": odd}),
        ("/match", {"text": odd}),
        ("/offers", {"patent_number": world.patent(), "contact": odd}),
    ):
        assert world.holder.post(path, values).status_code < 500


def test_a_call_without_parameters_refuses_them(world: World) -> None:
    body = problem(world.visitor.get("/certificates/ABC?x=1"), 422, "parameter-unknown")
    assert "x" in body["errors"]


def test_a_token_is_needed_and_has_to_be_good(world: World) -> None:
    answer = world.visitor.get("/licences")
    problem(answer, 401, "sign-in-required")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for header in ("Bearer olm_wrong", "Basic abc", "Bearer", "nonsense"):
        bad = world.visitor.get("/offers/1", headers={"Authorization": header})
        problem(bad, 401, "token-invalid")
        assert 'error="invalid_token"' in bad.headers["WWW-Authenticate"]


def test_a_cookie_of_the_pages_is_no_token(world: World) -> None:
    client = world.app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "1"
    assert client.get("/api/v1/licences").status_code == 401


def test_an_error_of_ours_tells_the_caller_nothing_but_its_number(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr("marketplace.search.services.search", broken)
    world.app.testing = False
    try:
        answer = world.app.test_client().get("/api/v1/offers")
    finally:
        world.app.testing = True
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert answer.get_json()["code"] == "internal-error"
    assert "secret" not in answer.get_data(as_text=True)
    assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"]


def test_too_many_calls_of_one_token_have_to_wait_while_others_pass(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", True)
    monkeypatch.setitem(world.app.config, "API_RATE_LIMIT", "3 per minute")
    fresh: Caller = member(world.app, "示例新厂")
    for _ in range(3):
        answer = fresh.get("/licences")
        ok(answer)
        assert "Retry-After" not in answer.headers
    answer = fresh.get("/licences")
    problem(answer, 429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) <= 60
    ok(member(world.app, "示例另一厂").get("/licences"))


def test_an_empty_parameter_is_as_if_it_were_not_there(world: World) -> None:
    world.index()
    assert ok(world.firm.get("/licences?after=&size="))["items"] == []
    assert ok(world.firm.get("/notices?after="))["items"] == []
    assert ok(world.visitor.get("/statistics/funnel?from=&to=&by=&as_of="))["by"] is None
    assert ok(world.visitor.get("/offers?q=&ipc=&kind=&district=&fee_form=&fee_max=&owner_type=&sort=&page="))
    problem(world.firm.get("/licences?nosuch="), 422, "request-invalid")
