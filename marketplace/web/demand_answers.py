"""Holders' answers to demands, what the two sides say of them, and what firms make of matches."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access, current_actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.demands import answers, services
from marketplace.demands.models import Demand, Recommendation
from marketplace.matching import services as matching

from .demand_page import PassForm, after, answer_form, done, page

_SIZE = 20


@access("organisation")
def own_answers() -> ResponseReturnValue:
    """What one's own organisation has answered, with what the firms think of it."""
    rows = answers.own_answers(current_actor(), after=after(), limit=_SIZE + 1)
    following = rows[_SIZE - 1].id if len(rows) > _SIZE else None
    return render_template("demands/answers.html", answers=rows[:_SIZE], after=following)


@access("organisation")
def answer(demand_id: int) -> ResponseReturnValue:
    """Answer a demand with one of one's own live offers, with a patent of one's own, or in words."""
    actor = current_actor()
    services.get_demand(actor, demand_id)
    form = answer_form(actor)
    if not form.validate():
        return page(actor, demand_id, form)
    try:
        with unit_of_work(actor):
            if form.offer.data:
                answers.answer_demand(actor, demand_id, int(form.offer.data), form.text.data)
            elif form.patent.data:
                answers.answer_with_patent(actor, demand_id, int(form.patent.data), form.text.data)
            else:
                answers.answer_with_message(actor, demand_id, form.text.data or "")
    except Invalid as error:
        form.accept(error)
        return page(actor, demand_id, form)
    flash(gettext("The firm is told of your answer."), "success")
    return redirect(url_for("demands.show", demand_id=demand_id, _anchor="answers"))


@access("signed_in")
def judge(answer_id: int, action: str) -> ResponseReturnValue:
    """Find an answer helpful, pass it with a reason, reply to it, or (its holder) take it back."""
    if action not in ("helpful", "pass", "reply", "withdraw"):
        abort(404)
    actor = current_actor()
    demand_id = answers.get_answer(actor, answer_id).demand_id

    def act() -> None:
        if action == "reply":
            answers.reply(actor, answer_id, request.form.get("text", ""))
        elif action == "withdraw":
            answers.withdraw_answer(actor, answer_id)
        else:
            answers.judge(
                actor,
                answer_id,
                action,
                reason=request.form.get("reason"),
                note=request.form.get("note"),
            )

    said = {
        "helpful": gettext("The holder is told that its answer helps."),
        "pass": gettext("The holder is told of your reason."),
        "reply": gettext("Your message is sent."),
        "withdraw": gettext("Your answer is taken back."),
    }[action]
    return done(demand_id, actor, act, said, "success", anchor="answers")


@access("organisation")
def mark(demand_id: int, offer_id: int, state: str) -> ResponseReturnValue:
    """Say what became of a match: opened (and go there), contacted, or passed over with a reason."""
    if state not in ("opened", "contacted", "passed"):
        abort(404)
    actor = current_actor()
    demand = services.get_demand(actor, demand_id)
    require(actor, "recommendation.list", demand)
    form = PassForm()
    # The engine is asked before the unit of work.
    found = [] if _recommended(demand_id, offer_id) else matching.matches_for(demand)
    with unit_of_work(actor):
        demand = lock(Demand, demand_id)
        matching.store(demand, found)
        row = _recommended(demand_id, offer_id)
        if row is None:
            raise NotFound("offer-not-found", "There is no such offer.")
        matching.mark(actor, row, state, reason=form.reason.data, note=form.note.data)
    if state == "opened":
        return redirect(url_for("offers.show", offer_id=offer_id))
    flash(gettext("Noted."), "success")
    return redirect(url_for("demands.show", demand_id=demand_id))


def _recommended(demand_id: int, offer_id: int) -> Recommendation | None:
    return db.session.scalar(
        sa.select(Recommendation).where(
            Recommendation.demand_id == demand_id, Recommendation.offer_id == offer_id
        )
    )


def add_to(blueprint: Blueprint) -> None:
    """Add these pages to those of demands."""
    for rule, view, methods in (
        ("/answers", own_answers, ["GET"]),
        ("/<int:demand_id>/answer", answer, ["POST"]),
        ("/answers/<int:answer_id>/<action>", judge, ["POST"]),
        ("/<int:demand_id>/offers/<int:offer_id>/<state>", mark, ["POST"]),
    ):
        blueprint.add_url_rule(rule, view_func=view, methods=methods)
