"""What each figure means: title, text, what is divided by what, unit and version, in both languages.

A definition changes only together with its version; reports carry the versions they were made by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Definition:
    """A figure's definition. Texts are translated when they are shown.

    Attributes:
        code: as in addresses and in the API.
        title: what the figure is called.
        text: what it says, in sentences.
        numerator: what is counted.
        denominator: of what, empty for plain counts.
        unit: what one is: `patent`, `licence` or `demand`.
        version: raised with every change of meaning.
        note: a caution that belongs to the figure, may be empty.
    """

    code: str
    title: Any
    text: Any
    numerator: Any
    denominator: Any
    unit: str
    version: int
    note: Any = ""


_POPULATION = _l(
    "Counted are patents with at least one patentee in the region and a verified "
    "announcement; declaring a patent anew neither adds a patent nor restarts its clock."
)
_LATE = _l(
    "Preliminary until 120 days later, since licences taken elsewhere may become known by late recordals."
)

DEFINITIONS = {
    one.code: one
    for one in (
        Definition(
            "in-force",
            _l("Offers in force"),
            _l(
                "Patents whose open-licensing declaration is in force on the day: announced and "
                "verified, not withdrawn, revoked or over, the patent alive."
            ),
            _l("patents with an offer in force on the day"),
            "",
            "patent",
            1,
            _POPULATION,
        ),
        Definition(
            "unasked",
            _l("Offers without demand"),
            _l(
                "Patents offered on the day that nobody was led to by then: never recommended to a firm, "
                "and no notice served."
            ),
            _l("patents with an offer in force on the day, never recommended and without a notice"),
            _l("patents with an offer in force on the day"),
            "patent",
            1,
            _POPULATION,
        ),
        Definition(
            "not-opened",
            _l("Shown, not opened"),
            _l("Offers in force on the day that were shown in a list by then, and whose page nobody opened."),
            _l("patents offered, shown and not opened by the day"),
            _l("patents offered and shown by the day"),
            "patent",
            1,
            _POPULATION,
        ),
        Definition(
            "not-noticed",
            _l("Opened, no notice"),
            _l("Offers in force on the day whose page was opened by then, without any notice served."),
            _l("patents offered and opened, without a notice by the day"),
            _l("patents offered and opened by the day"),
            "patent",
            1,
            _POPULATION,
        ),
        Definition(
            "not-paid",
            _l("Notice, not paid"),
            _l("Offers in force on the day with a notice by then, of which none was paid or took effect."),
            _l("patents offered with a notice, unpaid by the day"),
            _l("patents offered with a notice by the day"),
            "patent",
            1,
            _POPULATION,
        ),
        Definition(
            "landmark",
            _l("Recommended against not recommended"),
            _l(
                "Of the patents announced in the period that were still offered and unlicensed on day 30, "
                "the share licensed in the 90 days after it: those recommended to a firm by day 30, and the "
                "others. Both are watched from the same age, since a patent licensed early had less time to "
                "be recommended (Anderson, Cain and Gelber 1983)."
            ),
            _l("patents licensed from day 31 to day 120"),
            _l("patents offered and unlicensed on day 30, watched to day 120"),
            "patent",
            1,
            _l(
                "An observation, not a cause: what is recommended may differ in field, price and quality. "
                "No comparison is made below 30 patents or 5 licences."
            ),
        ),
        Definition(
            "announced",
            _l("Newly announced"),
            _l("Patents whose first verified announcement falls into the period."),
            _l("patents first announced in the period"),
            "",
            "patent",
            1,
            _POPULATION,
        ),
        Definition(
            "licences",
            _l("Open licences concluded"),
            _l(
                "Open licences that took effect in the period, here or elsewhere. Negotiated ordinary "
                "licences are not among them."
            ),
            _l("open licences that took effect in the period"),
            "",
            "licence",
            1,
            _POPULATION,
        ),
        Definition(
            "conversion",
            _l("Conversion rate"),
            _l(
                "The share of offered patents that were licensed in the period. A patent licensed "
                "several times counts once, so the rate never passes 100%."
            ),
            _l("patents with an open licence taking effect in the period"),
            _l("patents with an offer in force on at least one day of the period"),
            "patent",
            1,
            _POPULATION,
        ),
        Definition(
            "stock",
            _l("Share licensed now"),
            _l("The share of patents offered on the day that have an open licence in effect on that day."),
            _l("patents with an offer in force and an open licence in effect on the day"),
            _l("patents with an offer in force on the day"),
            "patent",
            1,
            _POPULATION,
        ),
        Definition(
            "quick-licence",
            _l("Quick-licence rate"),
            _l(
                "The share of patents first announced in the cohort whose first open licence took "
                "effect within N days, counted from the announcement. Patents withdrawn or ended in "
                "between stay in the denominator. Shown once every patent of the cohort is N days old. "
                "Preliminary until 120 days later, since licences taken elsewhere may become known by "
                "late recordals. For a cohort that is too young an estimate is given (Aalen-Johansen: "
                "withdrawn and ended offers are gone, only the day of observation cuts off), with an "
                "interval of 95 per cent reckoned from holders, and none where fewer than 20 patents were "
                "watched to the end."
            ),
            _l("patents of the cohort whose first open licence took effect within N days"),
            _l("all patents first announced in the cohort"),
            "patent",
            1,
            _l(
                "This is this platform's own definition, used until the IP bureau issues one. Cohorts "
                'from before the licence history is complete are "not observed", never zero.'
            ),
        ),
        Definition(
            "funnel",
            _l("Funnel"),
            _l(
                "How far the patents of a cohort have come by the day of observation: announced, shown, "
                "opened, notice served, paid, licence in effect, recorded. A later stage implies the "
                "earlier ones."
            ),
            _l("patents of the cohort that reached the stage"),
            _l("all patents first announced in the cohort"),
            "patent",
            1,
            _LATE,
        ),
        Definition(
            "deal-speed",
            _l("Deal speed"),
            _l(
                "Whole days from notice to payment, from payment to effect, and from effect to "
                "recordal, of open licences that took effect in the period. The median and the 90th "
                "percentile are days that were really observed (nearest rank)."
            ),
            _l("open licences with both days on record"),
            "",
            "licence",
            1,
            _l("Free licences have no payment; without a recordal date a licence has no time to recordal."),
        ),
        Definition(
            "recordal",
            _l("Recordals on time"),
            _l(
                "The share of open licences whose recordal was filed within three months of effect, "
                "counted by the legal calendar, among those that were filed or whose time is over."
            ),
            _l("open licences filed for recordal on time"),
            _l("open licences of the period that were filed or whose three months are over"),
            "licence",
            1,
            _POPULATION,
        ),
    )
}

# Sums of money stand beside the figures; they are a count of fen, not a figure with rows of their own.
FEES = Definition(
    "fees",
    _l("Licence fees"),
    _l(
        "The sums of the open licences that took effect in the period, in yuan, as far as they are on "
        "record. Royalties that fall due later are not in it. The platform never receives or holds "
        "this money."
    ),
    _l("fees of open licences that took effect in the period"),
    "",
    "licence",
    1,
)

# Where the rows of a figure come from, by what one row is.
SOURCES = {
    "patent": _l(
        "Announcements of the Patent Gazette as verified here, patent facts with their date, licences on "
        "record, and views counted by this platform."
    ),
    "licence": _l(
        "Licences concluded here, stated by a party, imported by the bureau or known by the gazette's "
        "recordals."
    ),
}

_DEMANDS = _l(
    "A demand lies in the place that it states; where it states none, in that of the best offer recommended "
    "to it; else its place is not known. Counted from the rows as they are now."
)
DEMAND_DEFINITIONS = {
    one.code: one
    for one in (
        Definition(
            "demands-open",
            _l("Demands open"),
            _l("Demands published by the day and not closed or run out by then."),
            _l("demands open on the day"),
            "",
            "demand",
            1,
            _DEMANDS,
        ),
        Definition(
            "demands-published",
            _l("Demands published"),
            _l("Demands first published in the period."),
            _l("demands published in the period"),
            "",
            "demand",
            1,
            _DEMANDS,
        ),
        Definition(
            "demands-answered",
            _l("Of these answered"),
            _l("Demands published in the period to which an answer of a holder stands today."),
            _l("demands published in the period with an answer"),
            "",
            "demand",
            1,
            _DEMANDS,
        ),
        Definition(
            "demands-unmet",
            _l("Demands without offer"),
            _l(
                "Demands open on the day without any answer and without a recommended offer that the firm "
                "did not pass over."
            ),
            _l("demands open on the day that met no offer"),
            "",
            "demand",
            1,
            _DEMANDS,
        ),
    )
}
STAGE_TITLES = {
    "announced": _l("Announced"),
    "shown": _l("Shown in results"),
    "opened": _l("Page opened"),
    "notice": _l("Notice served"),
    "paid": _l("Fee paid"),
    "in_effect": _l("Licence in effect"),
    "recorded": _l("Licence recorded"),
    "recommended": _l("Recommended to a demand"),
    "contacted": _l("Contacted"),
    "passed": _l("Passed over"),
}
INTERVAL_TITLES = {
    "notice_to_payment": _l("Notice to payment"),
    "payment_to_effect": _l("Payment to effect"),
    "effect_to_recordal": _l("Effect to recordal"),
    "notice_to_effect": _l("Notice to effect"),
}
GROUPING_TITLES = {
    "month": _l("Month"),
    "district": _l("District"),
    "ipc_section": _l("IPC section"),
    "ipc_class": _l("IPC class"),
    "ipc_subclass": _l("IPC subclass"),
    "industry": _l("Industry"),
    "owner_type": _l("Owner type"),
    "fee_form": _l("Price form"),
    "kind": _l("Patent kind"),
}
NOTES = {
    "too-young": (_l("too early"), _l("Not every patent of the cohort is old enough yet.")),
    "not-observed": (_l("not observed"), _l("The licence history was not complete yet at that time.")),
    "small": (_l("few cases"), _l("Fewer than 30 patents or 5 events: not for comparison.")),
}  # code: short, in a sentence
