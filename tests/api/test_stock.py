"""The stock of an organisation through the interface: filters, pages by key, one patent, and whose it is."""

from __future__ import annotations

from typing import Any

from flask import Flask

from marketplace.accounts import services as accounts
from marketplace.accounts.models import User
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.stocktaking import services, setup, upkeep
from marketplace.listings.stocktaking.desk import desk_of
from tests import factories


def world(app: Flask) -> dict[str, Any]:
    """A university with five patents, one of them in a unit, graded and submitted; and a stranger."""
    with app.app_context():
        with unit_of_work():
            owner, other = factories.organisation(type="university"), factories.organisation()
            actor, stranger = factories.actor(owner), factories.actor(other)
            patents = [factories.patent(owner) for _ in range(5)]
            upkeep.refresh(patent.id for patent in patents)
            tokens = [
                accounts.create_token(db.session.get_one(User, one.user_id), frozenset({"read"}), label="t")
                for one in (actor, stranger)
            ]
        with unit_of_work(actor):
            unit = setup.add_unit(desk_of(actor, owner.id), "材料学院")
        with unit_of_work(actor):
            case = services.case_of(desk_of(actor, owner.id), patents[2])
            services.place(case, {"unit_id": unit.id, "inventor_id": actor.user_id})
            services.edit(case, {"grade": "G1", "wish": ["licence"]})
            services.act(case, "submit", "请审核")
        found = {
            "owner": str(owner.id),
            "unit": str(unit.id),
            "number": patents[2].number,
            "token": tokens[0],
            "stranger": tokens[1],
        }
        db.session.remove()
    return found


def get(app: Flask, path: str, token: str, status: int = 200) -> Any:
    answer = app.test_client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status, answer.text
    return answer.json


def test_the_stock_is_listed_by_key_and_narrowed_down(app: Flask) -> None:
    made = world(app)
    seen, after = [], ""
    while True:
        page = get(app, f"/stock?size=2{after}", made["token"])
        assert page["total"] == 5
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen)) == 5
    [one] = get(
        app, f"/stock?unit={made['unit']}&state=submitted&state=approved&wish=licence", made["token"]
    )["items"]
    assert one["patent_number"] == made["number"]
    assert one["unit"]["name"] == "材料学院"
    assert (one["grade"]["code"], one["wish"], one["use"]["state"]) == ("G1", ["licence"], "unknown")


def test_one_patent_comes_with_its_history_and_the_steps_possible(app: Flask) -> None:
    made = world(app)
    one = get(app, f"/stock/ZL{made['number']}", made["token"])
    assert [step["action"] for step in one["history"]] == ["stock.submitted", "stock.edited", "stock.placed"]
    assert one["history"][0]["comment"] == "请审核"
    assert "approve_unit" not in one["actions"]  # the token only reads


def test_the_stock_of_others_does_not_exist(app: Flask) -> None:
    made = world(app)
    assert get(app, "/stock", made["stranger"])["items"] == []
    assert get(app, f"/stock?organisation={made['owner']}", made["stranger"], 404)["code"] == "not-found"
    assert get(app, f"/stock/{made['number']}", made["stranger"], 404)["code"] == "stock-not-found"


def test_what_cannot_be_looked_for_is_refused(app: Flask) -> None:
    made = world(app)
    told = get(app, "/stock?state=lost&year_from=12", made["token"], 422)
    assert told["code"] == "filter-invalid"
    assert set(told["errors"]) == {"state", "year_from"}
    assert get(app, "/stock?colour=red", made["token"], 422)["code"]
