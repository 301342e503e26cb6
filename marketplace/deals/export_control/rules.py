"""When a licence is a technology export, and what follows of what the parties say. Pure functions.

《技术进出口管理条例》 (TIE): banned technology may not be exported; restricted technology needs a licence
(30 working days); free technology is registered, and its contract is effective without waiting for that
(Art. 36, 38). GL V-11 §6 points to it for foreign licensees; Hong Kong, Macao and Taiwan go by analogy.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from marketplace.core import clock

MAINLAND: Final = "CN"
BY_ANALOGY: Final = ("HK", "MO", "TW")
REGIONS: Final = {"71": "TW", "81": "HK", "82": "MO"}
"""First two digits of an administrative division (GB/T 2260) outside the mainland → its ISO 3166 code."""
OPEN: Final = ("asked", "restricted")

# Set by the platform, by no law: how long the other side waits for a word on the technology.
ANSWER_WORKING_DAYS: Final = 10

# The authority decides on a licence for restricted technology within thirty working days (TIE).
LICENCE_WORKING_DAYS: Final = 30


def is_export(seat: str) -> bool:
    """Whether a licence to somebody seated there carries technology out of the mainland."""
    return seat != MAINLAND


def seat_of(code: str | None, region: str | None) -> str | None:
    """Where an organisation is seated by what it has registered (ISO 3166); None if it has nothing.

    Args:
        code: its unified social credit code, which only the mainland gives.
        region: its administrative division (GB/T 2260), in which Taiwan, Hong Kong and Macao have their own.
    """
    named = REGIONS.get((region or "")[:2])
    if named is not None:
        return named
    return MAINLAND if code or region else None


def settled(licensee: str, holder: str | None) -> str:
    """The state that both answers make: the stricter one counts, and free needs the holder's word.

    Args:
        licensee, holder: `free`, `restricted`, `banned` or `unsure`; None while the holder has not answered.
    """
    said = {licensee, holder}
    if "banned" in said:
        return "banned"
    if "restricted" in said:
        return "restricted"
    # Whoever has the technology knows it: a licensee that is unsure relies on the holder.
    return "free" if holder == "free" else "asked"


def effective_at(ready_at: dt.datetime, export_licence_on: dt.date | None) -> dt.datetime:
    """From when the licence is in effect: notice and payment, and the export licence where one is needed.

    A contract on restricted technology is effective from the day on which the export licence is issued.
    """
    if export_licence_on is None:
        return ready_at
    return max(ready_at, clock.start_of_day_utc(export_licence_on))


def due(state: str, since: dt.date) -> clock.Deadline:
    """The day by which an open check should have gone on; nothing happens by itself when it is over.

    Args:
        state: `asked` (an answer is due) or `restricted` (the export licence is).
        since: when it was asked, or when the technology was said to be restricted.
    """
    days = LICENCE_WORKING_DAYS if state == "restricted" else ANSWER_WORKING_DAYS
    return clock.working_days_after(since, days)


def last_word(asked_on: dt.date, offer_ended_on: dt.date) -> clock.Deadline:
    """The day until which a check may still be settled when its offer has ended meanwhile."""
    return due("asked", max(asked_on, offer_ended_on))


def over(
    today: dt.date,
    *,
    asked_on: dt.date,
    last_day: dt.date | None,
    patent_over: bool,
    offer_ended_on: dt.date | None,
) -> str | None:
    """Why nothing can come any more of a paid notice that waits for its check, as a code; None while it can.

    The end of an offer alone does not undo what was paid before it: free technology was licensed then (PL 50,
    TIE 36). Both sides have the days of an answer, counted from the end, to say so.

    Args:
        asked_on: when the check was opened.
        last_day: the last day of the offer's term and the patent's, inclusive.
        patent_over: whether the patent has ended.
        offer_ended_on: the day of the offer's end, None while it stands.
    """
    if patent_over:
        return "patent_ended"
    if last_day is not None and today > last_day:
        return "term_over"
    if offer_ended_on is not None and today > last_word(asked_on, offer_ended_on).date:
        return "offer_ended"
    return None
