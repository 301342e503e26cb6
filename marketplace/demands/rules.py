"""What holds for demands whoever asks: reasons, days, and what a confidentiality statement binds. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Final

from marketplace.core import clock

OUTCOME_REASONS: Final[dict[str, tuple[str, ...]]] = {
    "met": ("licence", "cooperation", "elsewhere", "in_house"),
    "unmet": ("no_answer", "not_fitting", "too_expensive", "not_mature", "other"),
    "withdrawn": ("no_longer_needed", "mistake", "other"),
}
"""Why a demand is closed, by outcome."""

PASS_REASONS: Final = ("off_topic", "too_expensive", "not_mature", "solved", "terms", "other")
"""Why the poster passes an answer: the same codes as for recommendations, so that both can be counted."""

LONGEST_TEXT: Final = 4_000  # characters of an answer or a reply
LONGEST_NOTE: Final = 500
ANSWER_WITHIN: Final = 10  # working days in which a demand without a day should be answered
REMIND_POSTER_DAYS: Final = 3  # before the day by which answers are wanted
REMIND_HOLDER_AFTER: Final = dt.timedelta(days=3)  # after it has opened a demand without answering


def due_on(published_on: dt.date, answer_by: dt.date | None) -> dt.date:
    """By when a published demand should have an answer: the firm's day, else ten working days."""
    return answer_by or clock.working_days_after(published_on, ANSWER_WITHIN).date


def acceptance_hash(
    statement: str,
    demand_id: int,
    organisation_id: int,
    user_id: int | None,
    accepted_at: dt.datetime,
    agent_id: int | None = None,
) -> str:
    """sha256 in hex over the statement, the demand, who accepted it and when.

    `agent_id` is the agency that has accepted it for the organisation; it is part of the sum only then.

    Electronic Signature Law, Article 5: it shows later that the words are those that were accepted.
    """
    said: dict[str, object] = {
        "accepted_at": clock.format_instant(accepted_at),
        "demand": demand_id,
        "organisation": organisation_id,
        "statement": statement,
        "user": user_id,
    }
    if agent_id is not None:
        said["agent"] = agent_id
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
