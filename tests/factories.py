"""Rows for tests: the smallest believable ones, each made inside an open unit of work."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from marketplace.accounts.models import Membership, Organisation, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.identifiers import PatentNumber
from marketplace.listings.models import Offer, Patent, PatentClass, PatentFact, PatentParty

_serial = itertools.count(9_500_000)

CLEAR_FACTS = {
    "legal_status": "in_force",
    "annuity_paid_until": "2027-05-31",
    "evaluation_report": "positive",
    "pledged": "no",
    "exclusive_licence_until": "none",
    "preserved_until": "none",
    "other_hindrance": "none",
}


def organisation(name: str | None = None, *, joined: bool = True, **values: Any) -> Organisation:
    """An organisation in Minhang with a bank account; joined unless told otherwise.

    Its name is confirmed, as if an operator had opened its account; a test that gives a code says so itself.
    """
    number = next(_serial)
    defaults = {
        "name": name or f"示例单位{number}",
        "type": "enterprise",
        "region": "310112",
        "bank_account_name": name or f"示例单位{number}",
        "bank_name": "示例银行闵行支行",
        "bank_account": f"3100{number}0001",
        "identity": "stated" if "code" in values else "confirmed",
        "claimed_at": clock.now() if joined else None,
        "created_at": clock.now(),
    }
    row = Organisation(**(defaults | values))
    db.session.add(row)
    db.session.flush()
    return row


def user(organisation: Organisation | None = None, **values: Any) -> User:
    """A person, member of an organisation if one is given."""
    number = next(_serial)
    defaults = {
        "email": f"user{number}@example.org",
        "name": f"用户{number}",
        "password_hash": "!",
        "locale": "zh",
        "active": True,
        "email_verified_at": clock.now(),
        "created_at": clock.now(),
    }
    row = User(**(defaults | values))
    if organisation is not None:
        row.memberships = [Membership(organisation=organisation, role="member", created_at=clock.now())]
    db.session.add(row)
    db.session.flush()
    return row


def actor(organisation: Organisation) -> Actor:
    """A member of the organisation, as an actor."""
    person = user(organisation)
    return Actor(
        user_id=person.id, organisation_id=organisation.id, roles=frozenset({"member", "administrator"})
    )


def operator() -> Actor:
    """An operator, as an actor."""
    return Actor(user_id=user(staff_role="operator").id, roles=frozenset({"operator"}))


def patent(
    holder: Organisation, *others: Organisation, facts: dict[str, str] | None = None, **values: Any
) -> Patent:
    """A granted invention in force, clear of every bar, owned by `holder` (and `others`)."""
    serial = next(_serial)
    kind_digit = {"invention": "1", "utility_model": "2", "design": "3"}[values.get("kind", "invention")]
    filing = values.get("filing_date", dt.date(2019, 3, 1))
    defaults = {
        "number": PatentNumber.parse(f"{filing.year}{kind_digit}{serial:07d}").canonical,
        "kind": "invention",
        "title": f"一种示例装置{serial}",
        "abstract": "本发明公开了一种示例装置,用于测试。",
        "filing_date": filing,
        "grant_date": dt.date(2021, 6, 1),
        "expires_on": dt.date(filing.year + 20, filing.month, filing.day),
        "district": holder.region,
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }
    row = Patent(**(defaults | values))
    row.parties = [
        PatentParty(position=n, organisation=owner, region=owner.region)
        for n, owner in enumerate((holder, *others))
    ]
    row.classes = [PatentClass(position=0, symbol="H01M10/0525")]
    row.facts = [
        PatentFact(name=name, value=value, as_of=dt.date(2026, 11, 1), source="示例登记簿副本")
        for name, value in (CLEAR_FACTS | (facts or {})).items()
    ]
    db.session.add(row)
    db.session.flush()
    return row


def live_offer(holder: Organisation, subject: Patent | None = None, **values: Any) -> Offer:
    """A verified, announced offer at a fixed fee of 50,000 yuan by bank transfer."""
    serial = next(_serial)
    defaults: dict[str, Any] = {
        "patent": subject or patent(holder),
        "holder": holder,
        "status": "announced",
        "evidence": "verified",
        "verified_source": "专利公报示例",
        "declaration_number": f"KF{serial}",
        "filed_on": dt.date(2026, 8, 1),
        "announced_on": dt.date(2026, 9, 1),
        "fee_form": "fixed",
        "fee_minor": 5_000_000,
        "currency": "CNY",
        "payment_text": "一次性支付 50,000 元",
        "channels": ["bank"],
        "payee_account_name": holder.bank_account_name,
        "payee_bank": holder.bank_name,
        "payee_account": holder.bank_account,
        "term_from": dt.date(2026, 9, 1),
        "term_to": dt.date(2031, 8, 31),
        "contact": "示例联系人 021-00000000",
        "created_at": clock.now(),
    }
    row = Offer(**(defaults | values))
    db.session.add(row)
    db.session.flush()
    return row
