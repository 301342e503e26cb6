"""Facts and eligibility over the API."""

from __future__ import annotations

import datetime as dt

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Patent
from tests import factories

from .conftest import World, ok, problem


def age(world: World, number: str, name: str, day: dt.date) -> None:
    with world.app.app_context(), unit_of_work():
        patent = db.session.query(Patent).filter_by(number=number).one()
        for fact in patent.facts:
            if fact.name == name:
                fact.as_of = day


def test_each_bar_names_its_legal_basis_and_the_age_of_its_fact(world: World) -> None:
    number = world.patent()
    age(world, number, "pledged", dt.date(2026, 8, 1))
    found = ok(world.holder.get(f"/patents/{number}/eligibility", headers={"Accept-Language": "en"}))
    assert found["may_file"]
    assert found["stale_facts"] == ["pledged"]
    bars = {bar["code"]: bar for bar in found["bars"]}
    assert "Rule 86 (4)" in bars["pledge"]["legal_basis"]
    assert (bars["pledge"]["stale"], bars["pledge"]["fresh_until"]) == (True, "2026-10-30")
    assert not bars["annuity"]["stale"]
    assert all(bar["legal_basis"] for bar in found["bars"])


def test_facts_are_stated_together_and_keep_their_history(world: World) -> None:
    number = world.patent()
    body = {
        "annuity_paid_until": "2028-05-31",
        "ownership": "as_registered",
        "exclusive_licence_until": "none",
        "as_of": "2026-11-19",
        "source": "登记簿副本",
    }
    found = ok(world.holder.post(f"/patents/{number}/facts", body, key="facts-1"))
    assert ok(world.holder.post(f"/patents/{number}/facts", body, key="facts-1")) == found
    facts = {fact["name"]: fact for fact in found["facts"]}
    assert facts["annuity_paid_until"]["value"] == "2028-05-31"
    assert facts["ownership"]["source"] == "登记簿副本"
    assert [(row["name"], row["value"], row["ending"]) for row in found["history"]] == [
        ("exclusive_licence_until", "none", "restated"),
        ("annuity_paid_until", factories.CLEAR_FACTS["annuity_paid_until"], "restated"),
    ] or {row["name"] for row in found["history"]} == {"annuity_paid_until", "exclusive_licence_until"}
    assert ok(world.holder.get(f"/patents/{number}/facts")) == found


def test_facts_are_the_patentees_matter(world: World) -> None:
    number = world.patent()
    problem(world.firm.post(f"/patents/{number}/facts", {"pledged": "no"}), 403, "forbidden")
    problem(world.firm.get(f"/patents/{number}/facts"), 403, "forbidden")
    problem(world.visitor.get(f"/patents/{number}/facts"), 401, "sign-in-required")
    problem(world.holder.post(f"/patents/{number}/facts", {}), 422, "fact-missing")
    future = {"pledged": "no", "as_of": "2030-01-01"}
    problem(world.holder.post(f"/patents/{number}/facts", future), 422, "date-impossible")
    problem(world.holder.post(f"/patents/{number}/facts", {"pledged": "maybe"}), 422, "request-invalid")


def test_a_differing_ownership_bars_with_a_basis_of_its_own(world: World) -> None:
    number = world.patent()
    ok(world.holder.post(f"/patents/{number}/facts", {"ownership": "differs"}))
    found = ok(world.holder.get(f"/patents/{number}/eligibility", headers={"Accept-Language": "en"}))
    [bar] = [bar for bar in found["bars"] if bar["result"] == "barred"]
    assert bar["code"] == "other"
    assert "§3.2" in bar["legal_basis"]
