"""Up to four offers side by side; what they differ in stands out, for the eye and for the ear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from marketplace.accounts.identity import access, current_actor
from marketplace.deals.comparing import MOST, Compared, compare
from marketplace.statistics import activity

from . import formats, labels
from .queries import given

blueprint = Blueprint("compare", __name__, url_prefix="/offers/compare")

_LONGEST_ID: Final = 18  # digits; no offer has a longer one


@dataclass(frozen=True)
class Row:
    """One line of the table: what it is about, a text for each offer, and whether they differ."""

    title: str
    cells: Sequence[str]
    differs: bool


def chosen() -> list[int]:
    """The offers ticked in the present address, each once, in the order ticked."""
    texts = [*request.args.getlist("id"), *request.args.getlist("compare")]
    return list(dict.fromkeys(int(text) for text in texts if text.isdecimal() and len(text) <= _LONGEST_ID))


@blueprint.get("")
@access("public")
def show() -> ResponseReturnValue:
    """The table of the offers ticked; what cannot be compared is said, not hidden."""
    ids = chosen()
    compared = compare(ids)
    activity.note(
        "opened",
        [one.offer.id for one in compared if one.live],
        "web",
        current_actor(),
        request.user_agent.string,
    )
    search: dict[str, Any] = {name: values for name, values in given().items() if name != "id"}
    shown = [one.offer.id for one in compared]
    return render_template(
        "offers/compare.html",
        compared=compared,
        rows=rows(compared),
        left_out=len(ids) - len(ids[:MOST]),
        gone=len(ids[:MOST]) - len(compared),
        most=MOST,
        back=url_for("offers.search", **search, compare=shown),
        without={id_: url_for("compare.show", id=[o for o in shown if o != id_], **search) for id_ in shown},
    )


def rows(compared: Sequence[Compared]) -> list[Row]:
    """The lines of the table, in the order in which a reader decides."""
    found = []
    for title, say in _LINES:
        cells = [str(say(one)) for one in compared]
        found.append(Row(str(title()), cells, len(set(cells)) > 1))
    return found


def _royalty(one: Compared) -> Any:
    offer = one.offer
    if not one.royalty:
        return gettext("none")
    base = labels.name("rate_base", offer.rate_base) if offer.rate_base else ""
    if not base:
        return formats.rate(offer.rate_percent)
    return gettext("%(rate)s of %(base)s", rate=formats.rate(offer.rate_percent), base=base)


def _upfront(one: Compared) -> Any:
    if one.upfront_minor is None:
        return gettext("not on record")
    if one.upfront_minor == 0:
        return gettext("nothing")
    return formats.money(one.upfront_minor, one.offer.currency)


def _over_the_term(one: Compared) -> Any:
    """What a licence that began today would cost until its last day."""
    if one.term is None or one.upfront_minor is None:
        return "—"
    if one.royalty:
        return gettext("%(sum)s and the royalty on each year's business", sum=_upfront(one))
    if one.upfront_minor == 0:
        return gettext("nothing")
    yearly = formats.money((one.yearly_minor or 0) // 100 * 100, one.offer.currency)
    return gettext("%(sum)s in all, about %(yearly)s a year", sum=_upfront(one), yearly=yearly)


def _term(one: Compared) -> Any:
    if one.term is None:
        return gettext("no licence can begin today")
    months = formats.months_between(one.term.begins, one.term.ends)
    day = formats.day(one.term.ends)
    if not months:
        return gettext("to %(day)s", day=day)
    return ngettext("about %(num)d month, to %(day)s", "about %(num)d months, to %(day)s", months, day=day)


def _classes(one: Compared) -> Any:
    symbols = [item.symbol for item in one.offer.patent.classes]
    if not symbols:
        return "—"
    first = f"{formats.ipc(symbols[0])} {labels.ipc_title(symbols[0])}".strip()
    return "; ".join((first, *(formats.ipc(symbol) for symbol in symbols[1:])))


def _owners(one: Compared) -> Any:
    return " · ".join(
        party.organisation.name_en
        if formats.english() and party.organisation.name_en
        else party.organisation.name
        for party in one.offer.patent.parties
    )


def _not_included(one: Compared) -> Any:
    usual = gettext("Know-how, freedom from others' patents, sublicensing, exclusivity")
    own = one.offer.not_included
    return f"{usual}; {own}" if own else usual


def _beside(one: Compared) -> Any:
    kinds = dict.fromkeys(line.kind for line in (one.details.side_offers if one.details else ()))
    return " · ".join(str(labels.name("side_kind", kind)) for kind in kinds) or gettext("nothing")


def _licences(one: Compared) -> Any:
    return ngettext("%(num)d licence so far", "%(num)d licences so far", one.licences)


def _standing(one: Compared) -> Any:
    said = []
    if not one.live:
        said.append(gettext("This offer cannot be taken up."))
    if one.offer.status == "withdrawal_filed":
        said.append(gettext("A withdrawal is filed, and not yet announced."))
    if one.offer.duty_to_withdraw_since:
        said.append(gettext("The holder is obliged to withdraw it."))
    barred = [str(labels.name("bar", code)) for code in one.standing.barred]
    if barred:
        said.append(gettext("Known bars: %(bars)s", bars=" · ".join(barred)))
    unknown = sum(bar.result == "unknown" for bar in one.standing.bars)
    if unknown:
        said.append(
            ngettext("Not known of %(num)d possible bar.", "Not known of %(num)d possible bars.", unknown)
        )
    return " ".join(said) or gettext("No bar is known.")


def _answers(one: Compared) -> Any:
    found = one.answers
    if not found.asked:
        return gettext("nobody has asked yet")
    counts = {"answered": found.answered, "asked": found.asked}
    if found.median_days is None:
        return gettext("%(answered)s of %(asked)s questions answered", **counts)
    return gettext(
        "%(answered)s of %(asked)s questions answered, half of them within %(days)s days",
        days=found.median_days,
        **counts,
    )


_LINES: Final[tuple[tuple[Callable[[], str], Callable[[Compared], Any]], ...]] = (
    (lambda: gettext("Price form"), lambda one: labels.name("fee_form", one.offer.fee_form)),
    (lambda: gettext("Due before it takes effect"), _upfront),
    (lambda: gettext("Royalty"), _royalty),
    (lambda: gettext("A licence from today would run"), _term),
    (lambda: gettext("It would cost over its term"), _over_the_term),
    (lambda: gettext("Open until"), lambda one: formats.day(one.offer.term_to)),
    (lambda: gettext("Standing"), _standing),
    (lambda: gettext("Field of technology (IPC)"), _classes),
    (lambda: gettext("Kind of right"), lambda one: labels.name("kind", one.offer.patent.kind)),
    (
        lambda: gettext("Maturity"),
        lambda one: labels.name("maturity", one.maturity) if one.maturity else gettext("not stated"),
    ),
    (lambda: gettext("Not included"), _not_included),
    (lambda: gettext("Offered beside it"), _beside),
    (lambda: gettext("Licences"), _licences),
    (lambda: gettext("Patentees"), _owners),
    (
        lambda: gettext("District"),
        lambda one: labels.district(one.offer.patent.district) if one.offer.patent.district else "—",
    ),
    (lambda: gettext("Answers of the holder"), _answers),
)
