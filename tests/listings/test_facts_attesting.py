"""Attestations and the worklist that leads to them."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
import sqlalchemy as sa

from marketplace.accounts.models import Mandate
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import services
from marketplace.listings.facts import attesting, statements, worklist
from marketplace.listings.facts.models import AttestedPatent
from marketplace.listings.facts.worklist import ATTESTABLE
from marketplace.listings.models import Patent
from tests import factories
from tests.conftest import NOW

pytestmark = pytest.mark.usefixtures("context")
TODAY = NOW.date()


class Stage:
    """A holder with five patents: three without facts, one stale, one that says it is pledged."""

    def __init__(self) -> None:
        with unit_of_work():
            self.holder = factories.organisation("示例大学")
            self.member = factories.actor(self.holder)
            self.empty = [factories.patent(self.holder) for _ in range(3)]
            for patent in self.empty:
                patent.facts = []
            self.stale = factories.patent(self.holder)
            for fact in self.stale.facts:
                fact.as_of = dt.date(2026, 1, 1)
            self.pledged = factories.patent(self.holder, facts={"pledged": "with_consent"})
            self.ended = factories.patent(self.holder, facts={"legal_status": "terminated"})
        self.facts = ["pledged", "preserved_until"]

    def draft(self, locale: str = "zh", **options: object) -> attesting.Draft:
        return attesting.draft(self.member, self.holder.id, self.facts, locale=locale, **options)  # type: ignore[arg-type]

    def attest(self, **options: object) -> int:
        with unit_of_work(self.member):
            shown = self.draft(**options)  # type: ignore[arg-type]
            return attesting.attest(self.member, self.holder.id, shown, shown.sha256).id


@pytest.fixture
def stage(context: None) -> Stage:
    return Stage()


def known(patent: Patent, name: str) -> str | None:
    fresh = db.session.get_one(Patent, patent.id, populate_existing=True)
    return next((fact.value for fact in fresh.facts if fact.name == name), None)


# --- the worklist


def test_the_worklist_counts_unknown_and_stale_the_most_fruitful_first(stage: Stage) -> None:
    todo = worklist.of(stage.holder.id, TODAY)
    assert todo.patents == 5  # the ended one needs nothing
    by_fact = {item.fact: item for item in todo.items}
    assert (by_fact["pledged"].unknown, by_fact["pledged"].stale, by_fact["pledged"].action) == (
        3,
        1,
        "attest",
    )
    assert by_fact["ownership"].unknown == 5
    assert "evaluation_report" not in by_fact  # inventions need none
    counts = [item.patents for item in todo.items]
    assert counts == sorted(counts, reverse=True)


def test_the_counts_of_the_worklist_are_the_patents_that_the_action_takes(stage: Stage) -> None:
    for item in worklist.of(stage.holder.id, TODAY).items:
        query = worklist.needing(stage.holder.id, [item.fact], TODAY)
        assert len(db.session.scalars(query).all()) == item.patents


def test_an_organisation_without_patents_has_nothing_to_do() -> None:
    with unit_of_work():
        nobody = factories.organisation()
    assert worklist.of(nobody.id, TODAY) == worklist.Worklist(0, (), 0)


# --- attesting


def test_every_fact_that_can_be_attested_has_its_text_in_both_languages() -> None:
    assert set(statements.FACTS["zh"]) == set(statements.FACTS["en"]) == set(ATTESTABLE)


def test_the_text_names_the_person_the_facts_the_list_and_the_warning(stage: Stage) -> None:
    for locale in ("zh", "en"):
        shown = stage.draft(locale)
        assert shown.text.count("\n") == 4
        assert statements.WARNING[locale] in shown.text
        assert statements.FACTS[locale]["pledged"] in shown.text
        assert shown.list_sha256 in shown.text
        listed = "\n".join(sorted(shown.patents.values()))
        assert shown.list_sha256 == hashlib.sha256(listed.encode()).hexdigest()
        assert shown.sha256 == hashlib.sha256(shown.text.encode()).hexdigest()


def test_an_attestation_states_the_facts_of_the_patents_that_need_them(stage: Stage) -> None:
    row = attesting.get(stage.member, stage.attest())
    assert row.patents == 4
    assert attesting.listed(row) == sorted(patent.number or "" for patent in [*stage.empty, stage.stale])
    for patent in (*stage.empty, stage.stale):
        assert (known(patent, "pledged"), known(patent, "preserved_until")) == ("no", "none")
    assert known(stage.pledged, "pledged") == "with_consent"
    fact = next(fact for fact in services.facts_of(stage.empty[0]) if fact.name == "pledged")
    assert (fact.source, fact.attestation_id, fact.entered_by) == (
        "attestation",
        row.id,
        stage.member.user_id,
    )
    assert hashlib.sha256(row.text.encode()).hexdigest() == row.sha256


def test_chosen_numbers_are_vouched_for_and_foreign_ones_refused(stage: Stage) -> None:
    assert attesting.get(stage.member, stage.attest(numbers=[f"ZL{stage.empty[0].number}"])).patents == 1
    with unit_of_work():
        foreign = factories.patent(factories.organisation())
    with pytest.raises(Invalid, match="patents-unknown"):
        stage.draft(numbers=[foreign.number, stage.empty[0].number])


def test_a_statement_on_chosen_patents_does_not_undo_what_is_known_of_one(stage: Stage) -> None:
    with pytest.raises(Invalid, match="patents-contradict") as caught:
        stage.draft(numbers=[stage.empty[0].number, stage.pledged.number])
    assert caught.value.parameters["numbers"] == stage.pledged.number


def test_only_a_member_of_the_organisation_itself_vouches(stage: Stage) -> None:
    with unit_of_work():
        agency = factories.organisation(type="agency")
        person = factories.user(agency)
        db.session.add(
            Mandate(
                agent_id=agency.id,
                principal_id=stage.holder.id,
                scope="both",
                valid_from=dt.date(2026, 1, 1),
                valid_to=dt.date(2027, 1, 1),
                created_at=clock.now(),
            )
        )
    manager = Actor(user_id=person.id, organisation_id=agency.id, principals=frozenset({stage.holder.id}))
    with pytest.raises(Forbidden, match="not-a-member"):
        attesting.draft(manager, stage.holder.id, stage.facts, locale="zh")


def test_a_list_that_changed_since_it_was_shown_is_shown_again(stage: Stage) -> None:
    shown = stage.draft()
    with unit_of_work(stage.member):
        services.set_fact(stage.member, stage.empty[0], "pledged", "no")
        services.set_fact(stage.member, stage.empty[0], "preserved_until", "none")
    with pytest.raises(Conflict, match="attestation-changed"), unit_of_work(stage.member):
        attesting.attest(stage.member, stage.holder.id, stage.draft(), shown.sha256)


def test_revoking_makes_the_facts_unknown_again_save_those_stated_anew(stage: Stage) -> None:
    key = stage.attest()
    with unit_of_work(stage.member):
        services.set_fact(stage.member, stage.empty[0], "pledged", "without_consent")
    with unit_of_work(stage.member):
        row = attesting.revoke(stage.member, key, "登记簿显示有质押")
    assert (row.revoked_by, row.revoked_reason) == (stage.member.user_id, "登记簿显示有质押")
    assert known(stage.empty[0], "pledged") == "without_consent"
    assert known(stage.empty[1], "pledged") is None
    assert {one.ending for one in services.history_of(stage.empty[1])} == {"attestation_revoked"}
    with pytest.raises(Conflict, match="attestation-revoked"), unit_of_work(stage.member):
        attesting.revoke(stage.member, key, "again")
    actions = db.session.scalars(sa.select(JournalEntry.action)).all()
    assert {"attestation.signed", "attestation.revoked"} <= set(actions)


def test_a_revocation_needs_a_reason_and_is_not_a_strangers(stage: Stage) -> None:
    key = stage.attest()
    with pytest.raises(Invalid, match="reason-missing"), unit_of_work(stage.member):
        attesting.revoke(stage.member, key, " ")
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(NotFound, match="attestation-not-found"), unit_of_work(stranger):
        attesting.revoke(stranger, key, "x")


def test_a_long_list_is_written_in_the_background_and_a_revocation_takes_all_of_it_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attesting, "AT_ONCE", 2)
    key = stage.attest()
    assert attesting.written(attesting.get(stage.member, key)) == 0
    assert db.session.scalars(sa.select(Task.name)).all() == ["listings.attestation"]
    db.session.rollback()
    attesting.write_all(key)
    assert attesting.written(attesting.get(stage.member, key)) == 4
    assert known(stage.empty[2], "pledged") == "no"
    with unit_of_work(stage.member):
        attesting.revoke(stage.member, key, "清单有误")
    attesting.write_all(key)
    assert known(stage.empty[2], "pledged") is None
    left = sa.select(sa.func.count()).where(AttestedPatent.done_at.is_not(None))
    assert db.session.scalar(left) == 0


def test_a_revocation_clears_what_let_an_offer_be_filed(stage: Stage) -> None:
    stage.facts = ["other_hindrance"]
    with unit_of_work():
        patent = factories.patent(stage.holder)
        patent.facts = [fact for fact in patent.facts if fact.name != "other_hindrance"]
    assert not services.eligibility_of(patent).may_file
    key = stage.attest()
    assert services.eligibility_of(db.session.get_one(Patent, patent.id, populate_existing=True)).may_file
    with unit_of_work(stage.member):
        attesting.revoke(stage.member, key, "待核实")
    again = db.session.get_one(Patent, patent.id, populate_existing=True)
    assert [bar.code for bar in services.eligibility_of(again).open] == ["other"]


def test_no_fact_and_no_patent_is_refused(stage: Stage) -> None:
    with pytest.raises(Invalid, match="facts-missing"):
        attesting.draft(stage.member, stage.holder.id, ["evaluation_report"], locale="zh")
    with pytest.raises(Invalid, match="patents-missing"):
        attesting.draft(stage.member, stage.holder.id, ["pledged"], locale="zh", numbers=[])
