"""Who is told of bundles and of transfers that pay several notices; and the words.

Each holder is told of each notice as of any other. The licensee is told once how all of them went, and not
again of each licence that took effect by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.deals.bundles.models import Bundle, BundlePart, BundleTransfer
from marketplace.deals.models import Licence

Told = tuple[int, str, dict[str, Any]]
"""To whom (an organisation), the message's code, and its ids."""

ACTIONS: Final = ("bundle.done", "transfer.slip_uploaded")


def told(entry: JournalEntry) -> Iterable[Told]:
    """What an entry of `ACTIONS` gives reason to tell: the licensee how it went, the payee of a slip."""
    if entry.action == "bundle.done":
        bundle = db.session.get_one(Bundle, entry.subject_id)
        given = sum(part.state == "served" for part in bundle.parts)
        code = "bundle_done" if given == len(bundle.parts) else "bundle_partly" if given else "bundle_refused"
        yield bundle.licensee_id, code, {"bundle": bundle.id, "count": given}
        return
    transfer = db.session.get_one(BundleTransfer, entry.subject_id)
    ids = {"transfer": transfer.id, "organisation": transfer.bundle.licensee_id}
    yield transfer.payee_id, "transfer_to_confirm", ids


def told_in_sum(licence: Licence) -> bool:
    """Whether the licensee learns of a licence by the message on its whole bundle."""
    done = db.session.execute(
        sa.select(Bundle.done_at)
        .join(BundlePart, BundlePart.bundle_id == Bundle.id)
        .where(BundlePart.notice_id == licence.notice_id)
    ).one_or_none()
    return done is not None and (done.done_at is None or licence.created_at <= done.done_at)


_PAGE: Final = "/bundles/%(bundle_id)s"

WORDINGS: Final[Mapping[str, tuple[Any, Any, str]]] = {
    "bundle_done": (
        _l("All your notices of %(bundle)s are given: %(count)s"),
        _l(
            "Licences that cost nothing are in effect. What is to be paid first is listed by payee: one "
            "payment for each."
        ),
        _PAGE,
    ),
    "bundle_partly": (
        _l("Notices of %(bundle)s that are given: %(count)s; others are not"),
        _l("See why some could not be given, and try them again there. It does not touch the others."),
        _PAGE,
    ),
    "bundle_refused": (
        _l("None of your notices of %(bundle)s could be given"),
        _l("See the reason of each, and try again there once it is over."),
        _PAGE,
    ),
    "transfer_to_confirm": (
        _l("%(organisation)s has paid several notices in one transfer"),
        _l(
            "The bank slip for %(amount)s with the reference %(transfer)s is there. Confirm what has arrived "
            "in your account: each licence takes effect when its own sum is there."
        ),
        "/transfers/%(transfer_id)s",
    ),
}
