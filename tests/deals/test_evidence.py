"""What proves a notice: its sender, a document of its own, the mail that carried it, a time-stamp."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.journal import JournalEntry
from marketplace.core.papers import timestamping
from marketplace.core.papers.rendering import render
from marketplace.core.papers.signing import STAMP
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import notices, papers
from marketplace.deals.evidence.services import evidence_of
from marketplace.deals.evidence.stamping import stamp_notice, stamp_of
from marketplace.deals.lookup import licence_of
from marketplace.deals.work import TASKS
from tests import factories
from tests.deals.conftest import make_deal, serve
from tests.services import tsa

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tsa.Tsa]:
    with tsa.running(tmp_path_factory.mktemp("tsa")) as found:
        yield found


def use(app: Flask, monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], **values))


def test_a_notice_keeps_who_sent_it_and_how_strongly_that_was_known() -> None:
    deal = make_deal()
    found = evidence_of(serve(deal.firm_actor, deal.offer))
    assert found is not None
    assert (found.form, found.capacity, found.system) == ("online", "member", "designated_system")
    assert found.identity == deal.firm.identity


def test_mail_to_an_announced_contact_and_a_file_prove_the_sending() -> None:
    deal = make_deal(holder_joined=False, contact="office@holder.example")
    notice = serve(deal.firm_actor, deal.offer)
    found = evidence_of(notice)
    assert found is not None
    assert found.system == "announced_contact"
    TASKS["deals.send_notice"](notice_id=notice.id)
    assert found.sent_to == "office@holder.example"
    with unit_of_work():
        operator = factories.operator()
    with unit_of_work(operator):
        notices.prove_service(
            operator,
            notice.id,
            proof="回执",
            sent_at=notice.written_at,
            file=(b"%PDF-1.7 receipt", "receipt.pdf"),
        )
    assert found.proof is not None
    assert found.proof.name == "receipt.pdf"


def test_a_sealed_pdf_of_the_licensees_own_takes_the_place_of_our_document() -> None:
    deal = make_deal(fee_form="free", fee_minor=None)
    plain = notices.notice_document(deal.firm_actor, serve(deal.firm_actor, make_other(deal)).id)
    sealed = papers.seal(_unsealed(), "公章")
    notice = serve(deal.firm_actor, deal.offer, document=sealed)
    assert notice.document_digest == hashlib.sha256(sealed).hexdigest()
    assert notices.notice_document(deal.holder_actor, notice.id) == sealed
    found = evidence_of(notice)
    assert found is not None
    assert (found.form, found.seal_intact) == ("uploaded", True)
    assert found.seal_signer
    assert licence_of(notice) is not None
    assert plain != sealed


def make_other(deal: Any) -> Any:
    with unit_of_work():
        return factories.live_offer(deal.holder, fee_form="free", fee_minor=None)


def _unsealed() -> bytes:
    return render(STAMP, {"name": "公章", "reason": "", "location": "", "signed_at": ""}, clock.now())


def test_an_own_document_must_be_a_whole_pdf_without_scripts() -> None:
    deal = make_deal()
    sealed = bytearray(papers.seal(_unsealed(), "公章"))
    sealed[len(_unsealed()) // 2] ^= 1
    for content, code in (
        (bytes(sealed), "seal-broken"),
        (b"\x89PNG\r\n\x1a\n", "notice-not-pdf"),
        (b"%PDF-1.7 <</S /JavaScript /JS (x)>>", "file-active"),
    ):
        with pytest.raises(Invalid, match=code):
            serve(deal.firm_actor, deal.offer, document=content)


def test_without_an_authority_nothing_is_stamped() -> None:
    deal = make_deal()
    assert stamp_of(serve(deal.firm_actor, deal.offer).id) is None


def test_a_notice_gets_a_token_that_the_authoritys_root_vouches_for(
    app: Flask, monkeypatch: pytest.MonkeyPatch, authority: tsa.Tsa
) -> None:
    use(app, monkeypatch, tsa_url=authority.url, tsa_roots=str(authority.roots))
    deal = make_deal(fee_form="free", fee_minor=None)
    notice = serve(deal.firm_actor, deal.offer)
    assert licence_of(notice) is not None
    stamp_notice(notice.id)
    found = stamp_of(notice.id)
    assert found is not None
    assert (found.state, found.authority) == ("stamped", "InventedTSA")
    digest = bytes.fromhex(notice.document_digest)
    roots = timestamping.trusted_roots()
    assert timestamping.check(found.token or b"", digest, roots) == timestamping.StampCheck(True, True)
    assert not timestamping.check(found.token or b"", b"x" * 32, roots).valid
    assert openssl_verifies(found.token or b"", notice.document_digest, authority)
    assert not openssl_verifies(found.token or b"", "0" * 64, authority)
    assert "notice.time_stamped" in set(db.session.scalars(sa.select(JournalEntry.action)))


def openssl_verifies(token: bytes, digest: str, authority: tsa.Tsa) -> bool:
    """Whether another tool than ours finds the token good, as a court's expert would check it."""
    path = authority.roots.parent / "token"
    path.write_bytes(token)
    command = ["openssl", "ts", "-verify", "-digest", digest, "-token_in", "-in", str(path)]
    done = subprocess.run([*command, "-CAfile", str(authority.roots)], capture_output=True, check=False)
    return done.returncode == 0


def test_a_time_stamp_whose_task_came_to_nothing_is_asked_for_again_and_one_that_waits_is_left_alone(
    app: Flask, monkeypatch: pytest.MonkeyPatch, authority: tsa.Tsa
) -> None:
    use(app, monkeypatch, tsa_url=authority.url)
    deal = make_deal(fee_form="free", fee_minor=None)
    notice = serve(deal.firm_actor, deal.offer)
    mine = sa.select(Task.due_at).where(Task.name == "deals.stamp_notice", Task.key == str(notice.id))
    first = db.session.scalars(mine).one()
    with unit_of_work():
        db.session.execute(sa.update(Task).values(due_at=first + dt.timedelta(hours=2)))
    TASKS["deals.ask_time_stamps"]()
    assert db.session.scalars(mine).one() == first + dt.timedelta(hours=2)
    with unit_of_work():
        db.session.execute(sa.delete(Task))
    TASKS["deals.ask_time_stamps"]()
    assert db.session.scalars(mine).all() != []
    use(app, monkeypatch, tsa_url="")
    with unit_of_work():
        db.session.execute(sa.delete(Task))
    TASKS["deals.ask_time_stamps"]()
    assert db.session.scalars(mine).all() == []


def test_an_authority_that_fails_blocks_nothing_and_is_asked_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch, authority: tsa.Tsa
) -> None:
    use(app, monkeypatch, tsa_url="http://127.0.0.1:1/")
    deal = make_deal(fee_form="free", fee_minor=None)
    notice = serve(deal.firm_actor, deal.offer)
    assert licence_of(notice) is not None
    stamp_notice(notice.id)
    found = stamp_of(notice.id)
    assert found is not None
    assert (found.state, found.tried, found.failure) == ("waiting", 1, "unreachable")
    assert db.session.scalar(sa.select(Task.id).where(Task.name == "deals.stamp_notice")) is not None
    monkeypatch.setattr(authority, "broken", True)
    use(app, monkeypatch, tsa_url=authority.url)
    stamp_notice(notice.id)
    assert (found.tried, found.failure) == (2, "not_valid")
    monkeypatch.setattr(authority, "broken", False)
    stamp_notice(notice.id)
    assert (found.state, found.failure) == ("stamped", None)
