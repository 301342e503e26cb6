"""The mails with the links of accounts: to prove an address, and to accept an invitation."""

from __future__ import annotations

from flask import current_app
from flask_babel import force_locale, gettext

from marketplace.core.database import db
from marketplace.core.mailer import mailer

from .addresses import address_code
from .lifecycle import INVITATION
from .members import link_token
from .models import Invitation, JoinRequest, User


def mail_address_link(user_id: int) -> None:
    """Send a person the link that proves the address (a task; outside a unit of work).

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
    """
    user = db.session.get(User, user_id)
    if user is None or not user.active or user.email_verified_at is not None:
        return
    with force_locale(user.locale):
        subject = gettext("Please confirm your e-mail address")
        said = gettext("With this link you show that this address is yours. It works for three days.")
        ignore = gettext("If you have not signed up, do nothing.")
        text = _letter(said, f"/account/address/{address_code(user)}", ignore)
    _send(user.email, subject, text)


def mail_invitation(invitation_id: int) -> None:
    """Send the link of an invitation, unless it is taken or void by now (a task).

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
    """
    invitation = db.session.get(Invitation, invitation_id)
    if invitation is None or invitation.state != INVITATION.initial:
        return
    with force_locale(invitation.locale):
        named = invitation.organisation
        name = (named.name_en or named.name) if invitation.locale == "en" else named.name
        subject = gettext("%(organisation)s invites you", organisation=name)
        said = gettext(
            "You are asked to act for %(organisation)s. The link works once, for 14 days.", organisation=name
        )
        ignore = gettext("If you do not know this organisation, do nothing.")
        text = _letter(said, f"/invitations/{link_token(invitation)}", ignore)
    _send(invitation.email, subject, text)


def mail_answer(request_id: int) -> None:
    """Tell a person the answer to the request to join an organisation (a task).

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
    """
    request = db.session.get(JoinRequest, request_id)
    if request is None or not request.user.active:
        return
    locale, named = request.user.locale, request.organisation
    with force_locale(locale):
        name = (named.name_en or named.name) if locale == "en" else named.name
        subject = gettext("Your request to join %(organisation)s", organisation=name)
        said = (
            gettext("You may act for %(organisation)s now.", organisation=name)
            if request.state == "accepted"
            else gettext("Your request to act for %(organisation)s was refused.", organisation=name)
        )
        text = _letter(said, "/account", gettext("Please ask the organisation itself about the answer."))
    _send(request.user.email, subject, text)


def _letter(said: str, path: str, ignore: str) -> str:
    address = current_app.config["SETTINGS"].public_url + path
    footer = gettext("This message was sent by the patent open-licensing marketplace.")
    return f"{said}\n\n{address}\n\n{ignore}\n\n-- \n{footer}\n"


def _send(to: str, subject: str, text: str) -> None:
    db.session.rollback()
    mailer().send(to, subject, text)
