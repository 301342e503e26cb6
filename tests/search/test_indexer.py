"""From the journal to the index: which offers an entry touches, and what becomes of refused documents."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from marketplace.app import create_app
from marketplace.core import clock, dead_letters
from marketplace.core.database import db
from marketplace.core.journal import entries_after
from marketplace.core.readers import DeadLetter, lag
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Worker
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer
from marketplace.search import generations, indexer
from marketplace.search.engines import engine
from marketplace.search.services import search
from tests import factories
from tests.conftest import Databases, settings_for


def licence(offer: Offer) -> Licence:
    row = Licence(
        number=f"LX{offer.id}",
        kind="open",
        state="in_effect",
        offer_id=offer.id,
        patent_id=offer.patent_id,
        licensee=factories.organisation(),
        effective_at=clock.now(),
        effective_on=clock.today(),
        currency="CNY",
        recordal_state="to_do",
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    return row


@pytest.mark.usefixtures("context")
class TestTouched:
    def test_an_entry_touches_the_offers_of_its_patent_its_licence_and_its_owners(self) -> None:
        with unit_of_work():
            holder, other = factories.organisation(), factories.organisation()
            offer = factories.live_offer(holder, factories.patent(holder, other))
            factories.live_offer(factories.organisation())
            for row in (offer, offer.patent, licence(offer), other):
                record("something.changed", row)
        for entry in entries_after(0, 10):
            assert indexer.touched([entry]) == {offer.id}, entry.subject_type

    def test_entries_about_anything_else_touch_nothing(self) -> None:
        with unit_of_work():
            record("account.created", factories.user())
            record("organisation.created", factories.organisation())
        assert indexer.touched(entries_after(0, 10)) == set()


@pytest.mark.usefixtures("context")
class TestDocuments:
    def test_only_verified_announcements_become_documents(self) -> None:
        with unit_of_work():
            holder = factories.organisation()
            live = factories.live_offer(holder)
            stated = factories.live_offer(holder, evidence="holder_stated")
            draft = factories.live_offer(holder, status="draft", evidence=None, announced_on=None)
            ended = factories.live_offer(holder, status="withdrawn", withdrawn_on=dt.date(2026, 11, 1))
        ids = [live.id, stated.id, draft.id, ended.id]
        assert {(d.id, d.live) for d in indexer.documents(ids)} == {
            (str(live.id), True),
            (str(ended.id), False),
        }

    def test_a_document_says_what_the_rows_say(self) -> None:
        with unit_of_work():
            holder = factories.organisation("示例大学甲", type="university")
            offer = factories.live_offer(
                holder,
                factories.patent(
                    holder,
                    factories.organisation("示例公司乙"),
                    title="一种磁力泵",
                    title_en="A pump",
                ),
                fee_form="entry_plus_royalty",
                fee_minor=2_000_000,
                rate_percent=decimal.Decimal("1.5"),
                rate_base="net_sales",
            )
            licence(offer)
            record("offer.verified", offer)
        (document,) = indexer.documents([offer.id])
        assert document.version == 1
        assert (document.title, document.title_en) == ("一种磁力泵", "A pump")
        assert document.owners == ("示例大学甲", "示例公司乙")
        assert document.owner_types == ("enterprise", "university")
        assert (document.fee_form, document.fee_minor, document.rate_percent) == (
            "entry_plus_royalty",
            2_000_000,
            decimal.Decimal("1.5"),
        )
        assert document.licences == 1
        assert document.district == "310112"


def test_a_refused_document_becomes_a_dead_letter_that_can_be_tried_again_and_the_rest_goes_on(
    databases: Databases, elasticsearch_url: str, tmp_path: Path
) -> None:
    settings = settings_for(
        databases.copy(), tmp_path, SEARCH_ENGINE="elasticsearch", ELASTICSEARCH_URL=elasticsearch_url
    )
    app = create_app(settings)
    with app.app_context():
        name = generations.rebuild()["generation"]
        with unit_of_work():
            if databases.kind == "postgresql":  # a row as no form lets it in; SQLite minds no lengths
                db.session.execute(sa.text("ALTER TABLE patents ALTER COLUMN district TYPE text"))
            holder = factories.organisation()
            good = factories.live_offer(holder, factories.patent(holder, title="一种磁力泵的密封结构"))
            bad = factories.live_offer(holder, factories.patent(holder, district="3" * 40_000))
            for offer in (bad, good):
                record("offer.verified", offer, organisation_id=holder.id)
            good_id, bad_id = good.id, bad.id
    Worker(app).drain()
    with app.app_context():
        assert [hit.document.id for hit in search({"q": "磁力泵"}).page.items] == [str(good_id)]
        letter = db.session.scalars(sa.select(DeadLetter)).one()
        assert letter.source == f"search:{name}"
        assert "failed to parse field [district]" in letter.error
        assert lag(f"search:{name}") == 0
        with pytest.raises(generations.DocumentRefused, match="district"):
            generations.rewrite(name, str(bad_id))
        with unit_of_work():
            db.session.get_one(Offer, bad_id).patent.district = "310112"
        with unit_of_work():
            operator = factories.operator()
        dead_letters.retry(operator, letter.id)
    Worker(app).drain()
    with app.app_context():
        found = {hit.document.id for hit in search({}).page.items}
        assert found == {str(good_id), str(bad_id)}
        assert not dead_letters.open_letters(operator)
        engine().drop(name)
        engine().close()
        db.session.remove()
        db.engine.dispose()
