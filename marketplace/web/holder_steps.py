"""The steps of an offer's life as buttons and forms; the life cycle's table says which are offered.

Used on the holder's page of an offer and on the operator's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, StringField, TextAreaField

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.listings.consents.standing import consents_of, ground_of, in_writing
from marketplace.listings.models import Offer
from marketplace.listings.services import eligibility_of, offered

from . import labels
from .forms import Form, at_most, optional, required, stripped


class PlainForm(Form):
    """Nothing to fill in."""


class ReadyForm(Form):
    """The consent of co-owners."""

    consent = BooleanField(
        _l("All co-owners have agreed in writing."), [required(_l("All co-owners have to agree first."))]
    )


class FileForm(Form):
    """When it was filed, with the undertaking."""

    filed_on = DateField(_l("Filed on"), [required()])
    facts_confirmed = BooleanField(
        _l("The facts that were last looked up long ago have been checked and still hold."),
        [required(_l("Please check these facts again, or confirm that they hold."))],
    )
    filing_receipt = StringField(
        _l("Receipt number"),
        [optional(), at_most(60)],
        description=_l("Of CNIPA's receipt, if you have it."),
        filters=[stripped],
    )
    undertaking = BooleanField(
        _l("We have undertaken that the conditions of an open licence are met and all statements are true."),
        [required(_l("A declaration needs this undertaking."))],
    )


class AnnounceForm(Form):
    """What the gazette says."""

    declaration_number = StringField(
        _l("Number of the declaration"),
        [required(), at_most(40)],
        description=_l("As the gazette prints it (开放许可声明编号)."),
        filters=[stripped],
    )
    announced_on = DateField(_l("Announced on"), [required()])


class VerifyForm(Form):
    """Where the operator saw the announcement."""

    source = StringField(
        _l("Where did you see the announcement?"),
        [required(), at_most(200)],
        description=_l("For example: patent gazette vol. 42, no. 38, of 16 September 2026."),
        filters=[stripped],
    )


class RefuseForm(Form):
    """The office's reason."""

    reason = TextAreaField(_l("Reason of the refusal"), [optional(), at_most(2000)], filters=[stripped])


class FileWithdrawalForm(Form):
    """Why and when the withdrawal was filed."""

    reason = TextAreaField(
        _l("Reason of the withdrawal"),
        [required(), at_most(2000)],
        description=_l("A bar that has arisen, or another proper reason. No conditions may be attached."),
        filters=[stripped],
    )
    filed_on = DateField(_l("Filed on"), [required()])


class WithdrawForm(Form):
    """When the withdrawal was announced."""

    withdrawn_on = DateField(_l("Withdrawal announced on"), [required()])


class RevokeForm(Form):
    """When and why CNIPA revoked the declaration."""

    revoked_on = DateField(_l("Revocation announced on"), [required()])
    reason = TextAreaField(_l("Reason"), [optional(), at_most(2000)], filters=[stripped])


@dataclass(frozen=True)
class Step:
    """One action of the life cycle.

    Attributes:
        action: in `lifecycle.OFFER`.
        button: what the button says.
        lead: what it means and what follows.
        form: what it takes.
        done: what is said afterwards.
        grave: whether it takes something away.
    """

    action: str
    button: Any
    lead: Any
    form: type[Form]
    done: Any
    icon: str
    grave: bool = False

    @property
    def asks(self) -> bool:
        """Whether there is anything to fill in."""
        return self.form is not PlainForm


STEPS = {
    step.action: step
    for step in (
        Step(
            "discard",
            _l("Discard the draft"),
            _l("It stays in your list and can no longer be changed; questions for consent become void."),
            PlainForm,
            _l("The draft is discarded."),
            "trash",
            grave=True,
        ),
        Step(
            "submit_review",
            _l("Submit for internal review"),
            _l("Your institution's own review: inventor, unit, institution. Not required by law."),
            PlainForm,
            _l("The declaration is in review."),
            "people",
        ),
        Step(
            "approve",
            _l("Approve"),
            _l("Each level of the review approves once; every approval is kept."),
            PlainForm,
            _l("Approved."),
            "check2",
        ),
        Step(
            "start_price_notice",
            _l("Begin the price notice"),
            _l("Show the price inside your institution for the days that your rules ask for (公示)."),
            PlainForm,
            _l("The price notice has begun."),
            "megaphone",
        ),
        Step(
            "ready",
            _l("Mark as ready to file"),
            _l("All seven items are there, no bar is open, and every co-owner agrees."),
            ReadyForm,
            _l("The declaration is ready to file."),
            "check2-circle",
        ),
        Step(
            "file",
            _l("Record the filing with CNIPA"),
            _l("After you have filed the declaration with CNIPA yourself. From then on its terms are fixed."),
            FileForm,
            _l("The filing is recorded."),
            "send",
        ),
        Step(
            "reopen",
            _l("Take the filing back"),
            _l("If it was recorded by mistake, and nothing has come back from CNIPA. CNIPA is told nothing."),
            PlainForm,
            _l("The filing is taken back; the declaration is ready to file again."),
            "arrow-counterclockwise",
            grave=True,
        ),
        Step(
            "announce",
            _l("Record CNIPA's announcement"),
            _l("It counts as stated by the holder; once the operator has verified it, the offer is live."),
            AnnounceForm,
            _l("The announcement is recorded."),
            "broadcast",
        ),
        Step(
            "verify",
            _l("Verify the announcement"),
            _l("You have seen it in the gazette: the offer goes live at once."),
            VerifyForm,
            _l("The announcement is verified: the offer is live."),
            "shield-check",
        ),
        Step(
            "refuse",
            _l("Record a refusal"),
            _l("CNIPA does not announce the declaration. You may declare anew."),
            RefuseForm,
            _l("The refusal is recorded."),
            "x-octagon",
            grave=True,
        ),
        Step(
            "file_withdrawal",
            _l("Record the filing of a withdrawal"),
            _l(
                "Until CNIPA announces the withdrawal, notices remain possible. Licences already taken stand."
            ),
            FileWithdrawalForm,
            _l("The filing of the withdrawal is recorded; the offer's page says so."),
            "box-arrow-left",
            grave=True,
        ),
        Step(
            "withdraw",
            _l("Record the announced withdrawal"),
            _l("From the day of the announcement no new licence can be taken. Licences already taken stand."),
            WithdrawForm,
            _l("The offer is withdrawn. Its licences stand."),
            "box-arrow-left",
            grave=True,
        ),
        Step(
            "revoke",
            _l("Record a revocation"),
            _l("CNIPA has ended or revoked the declaration. Licences that were taken stand."),
            RevokeForm,
            _l("The revocation is recorded."),
            "slash-circle",
            grave=True,
        ),
    )
}

# What comes next as a rule, by status; the rest is offered below it.
_NEXT = {
    "draft": ("ready", "file"),
    "in_review": ("approve", "ready"),
    "price_notice": ("ready", "file"),
    "ready": ("file",),
    "filed": ("announce",),
    "announced": ("verify",),
    "withdrawal_filed": ("withdraw",),
}


def steps_of(actor: Actor, offer: Offer) -> tuple[Step | None, Sequence[Step]]:
    """The step that comes next as a rule, and the others that this actor may take now."""
    found = {transition.action for transition in offered(actor, offer)}
    steps = [
        step for step in STEPS.values() if step.action in found and _makes_sense(step.action, offer, found)
    ]
    wanted = _NEXT.get(offer.status, ())
    if offer.status == "in_review" and offer.approved_on is not None:
        wanted = ("ready", "start_price_notice", "approve")
    if offer.duty_to_withdraw_since is not None:
        wanted = ("verify", "file_withdrawal", "withdraw")
    first = next((step for action in wanted for step in steps if step.action == action), None)
    return first, [step for step in steps if step is not first]


def _makes_sense(action: str, offer: Offer, found: set[str]) -> bool:
    """Filing straight from a draft is for sole owners; others mark it ready first, which is their consent."""
    if action == "file" and "ready" in found:
        return len(offer.patent.parties) < 2
    return True


def form_of(step: Step, offer: Offer) -> Form:
    """The form of a step, its days set to today; the ground of a withdrawal is what co-owners were asked."""
    data: dict[str, Any] = {
        "filed_on": clock.today(),
        "announced_on": clock.today(),
        "withdrawn_on": clock.today(),
        "revoked_on": clock.today(),
    }
    if step.action == "file_withdrawal":
        data["reason"] = ground_of(consents_of(offer, "withdrawal"))
    form = step.form(data=data)
    if isinstance(form, ReadyForm) and (len(offer.patent.parties) < 2 or in_writing(offer)):
        del form.consent
    if isinstance(form, FileForm):
        stale = eligibility_of(offer.patent).stale_facts
        form.facts_confirmed.description = ", ".join(str(labels.name("fact", fact)) for fact in stale)
        if not stale:
            del form.facts_confirmed
    return form


def values_of(form: Form) -> dict[str, Any]:
    """What a step's form says, as its service takes it."""
    return {
        name: value or None
        for name, value in form.data.items()
        if name not in ("csrf_token", "consent", "undertaking")
    }
