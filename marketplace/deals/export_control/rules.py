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
OPEN: Final = ("asked", "restricted")


def is_export(seat: str) -> bool:
    """Whether a licence to somebody seated there carries technology out of the mainland."""
    return seat != MAINLAND


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
