"""Which annuities open licences reduce, for holders' own systems and the bureau's."""

from __future__ import annotations

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence
from tests.api.conftest import World, ok, problem


def test_a_holder_reads_which_years_of_its_patents_are_reduced_and_what_that_saves(world: World) -> None:
    offer = world.offer(fee_form="free", fee_minor=None)
    ok(world.firm.post(f"/offers/{offer}/notices", {}), 201)
    licence = ok(world.firm.get("/licences"))["items"][0]
    assert ok(world.holder.get("/annuity-reductions"))["items"] == []
    with world.app.app_context(), unit_of_work():
        row = db.session.get_one(Licence, int(licence["id"]))
        row.recordal_state, row.recordal_number, row.recorded_on = (
            "recorded",
            "X2026310000077",
            row.effective_on,
        )
    answer = ok(world.holder.get("/annuity-reductions"))
    (patent,) = answer["items"]
    assert patent["patent_number"] == licence["patent_number"]
    assert answer["next"] is None
    for year in patent["years"]:
        assert (
            year["saved"]["amount_minor"] == year["without"]["amount_minor"] - year["reduced"]["amount_minor"]
        )
        assert year["recordal_number"] == "X2026310000077"
    assert {scale["kind"] for scale in answer["scales"]} == {"invention", "utility_model", "design"}
    assert ok(world.firm.get("/annuity-reductions"))["items"] == []
    assert len(ok(world.bureau.get("/annuity-reductions"))["items"]) == 1
    problem(world.visitor.get("/annuity-reductions"), 401, "sign-in-required")
