"""Royalties by API: stated, worked out step by step, owed, paid, corrected, and demanded."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.deals.royalties import work
from tests.api.conftest import World, ok, problem

PDF = b"%PDF-1.7 an invented list of sales"


def at(day: dt.date) -> object:
    return clock.at(clock.start_of_day_utc(day) + dt.timedelta(hours=10))


def make_periods(world: World) -> None:
    with world.app.app_context():
        work.make_periods()
        db.session.remove()


def licensed(world: World) -> dict:
    """A licence since 10 September 2026 at five per cent of net sales, reported by the quarter."""
    with at(dt.date(2026, 9, 10)):
        offer = world.offer(
            fee_form="royalty_net_sales",
            fee_minor=None,
            rate_percent=Decimal(5),
            rate_base="net_sales",
            payment_text="按季度支付净销售额的 5%",
            channels=["bank"],
        )
        notice = ok(world.firm.post(f"/offers/{offer}/notices"), 201)
    assert notice["licence_id"]
    return notice


LINE = {"product": "过滤器", "amount_minor": 12_345_678, "deductions_minor": 345_678, "quantity": "1200"}


def test_a_statement_is_reckoned_paid_and_corrected_by_program(world: World) -> None:
    notice = licensed(world)
    with at(dt.date(2026, 10, 12)):
        make_periods(world)
        [running, over] = ok(world.firm.get("/royalties"))["items"]
        assert (over["state"], over["ends"], over["report_due_on"]) == ("due", "2026-09-30", "2026-10-30")
        path = f"/royalties/{over['id']}"
        problem(world.firm.post(f"/royalties/{running['id']}/statements", {}), 409, "period-not-over")
        said = ok(world.firm.post(f"{path}/statements", {"lines": [LINE]}, key="first"), 201)
        assert [one["code"] for one in said["steps"]] == ["base", "rate"]
        assert said["steps"][1]["figures"] == {"base": "12000000", "rate": "5", "exact": "600000"}
        assert said["royalty"] == said["due"] == {"amount_minor": 600_000, "currency": "CNY"}
        repeated = world.firm.post(f"{path}/statements", {"lines": [LINE]}, key="first")
        assert ok(repeated, 201) == said
        file = {"file": (io.BytesIO(PDF), "销售清单.pdf")}
        evidence = ok(world.firm.post(f"/royalty-statements/{said['id']}/evidence", data=file), 201)[
            "evidence"
        ]
        kept = f"/royalty-statements/{said['id']}/evidence/{evidence[0]['id']}"
        assert world.holder.get(kept).data == PDF
        problem(world.other.get(kept), 404, "not-found")
        owed = said["obligation"]
        assert (owed["due_on"], owed["notice_id"]) == ("2026-11-30", notice["id"])
        begun = {"channel": "bank", "obligation_id": owed["id"]}
        payment = ok(world.firm.post(f"/notices/{notice['id']}/payments", begun), 201)
        ok(
            world.holder.post(
                f"/payments/{payment['id']}/actions/confirm",
                {"paid_on": "2026-10-12", "amount": owed["amount"]},
            )
        )
        assert ok(world.holder.get(path))["payment"] == "paid"
        again = {"lines": [LINE | {"amount_minor": 10_345_678}]}
        problem(world.firm.post(f"{path}/statements", again), 422, "correction-reason-missing")
        lower = ok(world.firm.post(f"{path}/statements", again | {"reason": "多计一批退货"}), 201)
        assert (lower["due"]["amount_minor"], lower["credit_left"]["amount_minor"]) == (0, 100_000)
        detail = ok(world.holder.get(path))
        assert [one["current"] for one in detail["statements"]] == [True, False]
        problem(world.holder.post(f"{path}/statements", again), 403, "forbidden")
        problem(world.other.get(path), 404, "not-found")
        problem(world.bureau.get(path), 403, "forbidden")
        assert ok(world.other.get("/royalties"))["items"] == []
        assert len(ok(world.holder.get("/royalties?group=reported"))["items"]) == 1


def test_terms_are_read_together_and_a_default_is_the_holders_word(world: World) -> None:
    notice = licensed(world)
    terms = f"/licences/{notice['licence_id']}/royalty-terms"
    with at(dt.date(2026, 11, 2)):
        make_periods(world)
        found = ok(world.firm.get(terms))
        assert (found["length"], found["length_source"], found["changes"]) == ("quarter", "announced", [])
        proposal = {"length": "year", "report_days": 20, "pay_days": 30, "reason": "公告载明按年"}
        change = ok(world.holder.post(f"{terms}/changes", proposal), 201)
        assert change["actions"] == ["take_back"]
        answered = f"/royalty-terms-changes/{change['id']}/actions"
        problem(world.holder.post(f"{answered}/accept"), 403, "forbidden")
        problem(world.firm.post(f"{answered}/burn"), 404, "not-found")
        assert ok(world.firm.post(f"{answered}/accept"))["state"] == "accepted"
        late = ok(world.holder.get("/royalties?group=due"))["items"][0]
        path = f"/royalties/{late['id']}"
        detail = ok(world.holder.get(path))
        assert (detail["in_default"], detail["earliest_cure"]) == ("unreported", "2026-11-17")
        demand = {"text": "请补报第三季度", "cure_by": "2026-11-10"}
        problem(world.holder.post(f"{path}/defaults", demand), 422, "cure-too-short")
        given = ok(world.holder.post(f"{path}/defaults", demand | {"cure_by": "2026-11-18"}), 201)
        closed = f"/royalty-defaults/{given['id']}/actions"
        problem(world.holder.post(f"{closed}/end"), 409, "cure-running")
        problem(world.firm.post(f"{closed}/restore"), 403, "forbidden")
        assert ok(world.holder.post(f"{closed}/restore"))["state"] == "restored"


def test_the_bureau_counts_statements_and_disputes_and_learns_no_licensees_sum(world: World) -> None:
    licensed(world)
    with at(dt.date(2026, 11, 5)):
        make_periods(world)
        found = ok(world.bureau.get("/supervision/royalties"))
        assert (found["licences"], found["due"], found["reported"], found["late"]) == (1, 1, 0, 1)
        [matter] = ok(world.bureau.get("/supervision/items?kind=royalty"))["items"]
        assert (matter["must_act"], matter["due_on"] < "2026-11-05") == ("licensee", True)
        assert not [name for name in matter if "amount" in name or "royalty" in name]
        problem(world.firm.get("/supervision/items"), 403, "forbidden")
        assert ok(world.bureau.get("/supervision/items?after=999999999999"))["items"] == []
        late = ok(world.firm.get("/royalties?group=due"))["items"][0]["id"]
        ok(world.firm.post(f"/royalties/{late}/statements", {"lines": [LINE]}), 201)
        found = ok(world.operator.get("/supervision/royalties"))
        assert (found["reported"], found["late"], found["royalty"]) == (1, 0, None)
        problem(world.holder.get("/supervision/royalties"), 403, "forbidden")
        assert ok(world.bureau.get("/supervision/disputes"))["total"] == 0
        problem(world.firm.get("/supervision/disputes"), 403, "forbidden")
