"""What stands beside a declaration: descriptions that never touch it, know-how seen in time, questions."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import given
from PIL import Image, PngImagePlugin

from marketplace.accounts.models import Mandate
from marketplace.core import clock
from marketplace.core.actor import VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.files import store
from marketplace.core.journal import JournalEntry
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer
from marketplace.listings.services.offers import draft_offer
from marketplace.listings.showcase import pictures, questions, rules, services
from marketplace.listings.showcase.models import Question
from marketplace.notifications.rules import tellings
from marketplace.search.indexer import documents, touched
from marketplace.search.tree import index_fields
from tests import factories

VALUES: dict[str, Any] = {
    "product_zh": "汽车转向电机用定子",
    "product_en": "A stator for steering motors",
    "problem_zh": "端部绕组占用空间大",
    "advantage_zh": "铜耗下降",
    "maturity": "pilot",
    "origins": {"product_en": "machine"},
    "costs": [
        {
            "item_zh": "单台铜材",
            "item_en": "Copper per motor",
            "today": "1.20",
            "with_patent": "0.96",
            "unit": "kg",
            "source": "2025 年试制记录",
        }
    ],
    "side_offers": [
        {
            "kind": "training",
            "what_zh": "绕线工两日培训",
            "what_en": None,
            "price_minor": 800_000,
            "currency": "CNY",
            "price_unit": "day",
            "contact": "021-00000000",
        }
    ],
}


def holder_and_offer(**values: Any) -> tuple[Actor, int]:
    with unit_of_work():
        organisation = factories.organisation()
        return factories.actor(organisation), factories.live_offer(organisation, **values).id


def entries(action: str) -> list[JournalEntry]:
    return list(db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == action)))


# --- rules


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("该工艺属技术秘密，另行约定", "secret"),
        ("Details are confidential.", "secret"),
        ("树脂 30 份、固化剂 5 份", "recipe"),
        ("配方可另行提供", "recipe"),
        ("在 650 ℃ 下……先升温至 650 ℃ 保温 2 小时", "parameter"),
        ("The layer is annealed at 420 °C.", "parameter"),
        ("随附装配图", "drawing"),
        ("The source code is included", "drawing"),
    ],
)
def test_what_reads_like_know_how_is_found_with_what_stands_around_it(text: str, kind: str) -> None:
    found = rules.know_how({"advantage_zh": text})
    assert kind in {passage.kind for passage in found}
    for passage in found:
        assert passage.before + passage.found + passage.after in text


@pytest.mark.parametrize(
    "text",
    ["寿命超过 5000 小时", "工作温度 -40~85 ℃", "效率提高 12 %", "It runs at 3,000 rpm.", "成本为 30 元"],
)
def test_figures_of_performance_are_no_know_how(text: str) -> None:
    assert rules.know_how({"advantage_zh": text}) == []


@given(st.text(max_size=200), st.text(max_size=200))
def test_passages_lie_in_their_text_and_do_not_overlap(first: str, second: str) -> None:
    texts = {"a": first, "b": f"配方{second}"}
    found = rules.know_how(texts)
    assert any(passage.field == "b" for passage in found)
    for passage in found:
        assert passage.found
        assert passage.before + passage.found + passage.after in texts[passage.field]


@given(st.dictionaries(st.sampled_from(rules.ASKED), st.booleans()))
def test_complete_is_a_hundred_and_nothing_is_zero(there: dict[str, bool]) -> None:
    share = rules.completeness(there)
    assert 0 <= share <= 100
    assert (share == 100) == (rules.missing(there) == [])
    assert (share == 0) == (not any(there.values()))


def test_a_change_is_worked_out_for_plain_numbers_only() -> None:
    assert rules.change("1.20", "0.96") == Decimal("-20.0")
    assert rules.change("1,000", "1,500") == Decimal("50.0")
    assert rules.change("2–3", "1") is None
    assert rules.change("0", "1") is None
    assert rules.change("NaN", "1") is None


def test_an_application_without_publication_and_grant_is_unpublished() -> None:
    today = dt.date(2026, 11, 20)
    assert rules.unpublished(None, None, today)
    assert rules.unpublished(dt.date(2026, 12, 1), None, today)
    assert not rules.unpublished(None, "CN123456789A", today)
    assert not rules.unpublished(dt.date(2021, 6, 1), None, today)


def test_a_picture_is_written_anew_without_place_and_comments() -> None:
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (31.0, 1.0, 2.0)}
    exif[0x010E] = "secret workshop"
    exif[0x0112] = 6  # turned by a quarter
    jpeg = io.BytesIO()
    Image.new("RGB", (3000, 1000), "navy").save(jpeg, "JPEG", exif=exif)
    found = pictures.prepare(jpeg.getvalue())
    assert (found.kind, found.content_type, found.width, found.height) == ("picture", "image/jpeg", 533, 1600)
    assert b"secret workshop" not in found.content
    assert not Image.open(io.BytesIO(found.content)).getexif()

    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "Li Si")
    png = io.BytesIO()
    Image.new("RGBA", (40, 20)).save(png, "PNG", pnginfo=text)
    found = pictures.prepare(png.getvalue())
    assert b"Li Si" not in found.content
    assert Image.open(io.BytesIO(found.content)).mode == "RGBA"


def test_what_is_no_picture_inside_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        pictures.prepare(b"\x89PNG\r\n\x1a\n" + b"nonsense" * 10)
    assert refused.value.code == "picture-unreadable"
    with pytest.raises(Invalid) as refused:
        pictures.prepare(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert refused.value.code == "file-type"
    huge = io.BytesIO()
    Image.new("1", (10_000, 5_000)).save(huge, "PNG")
    with pytest.raises(Invalid) as refused:
        pictures.prepare(huge.getvalue())
    assert refused.value.code == "picture-too-large"


# --- describing


@pytest.mark.usefixtures("context")
def test_describing_leaves_the_announced_terms_alone_and_is_journalled() -> None:
    holder, offer_id = holder_and_offer()
    before = db.session.get_one(Offer, offer_id).terms()
    with unit_of_work(holder):
        services.describe(holder, offer_id, VALUES)
    db.session.expire_all()
    offer = db.session.get_one(Offer, offer_id)
    assert offer.terms() == before
    assert offer.version == 1
    [entry] = entries("offer.described")
    assert entry.subject_id == offer_id
    assert "problem_zh" in entry.data["fields"]
    assert "端部绕组" not in str(entry.data)
    found = services.details_of(offer_id)
    assert found is not None
    assert services.values_of(found)["costs"] == VALUES["costs"]


@pytest.mark.usefixtures("context")
def test_lines_are_replaced_as_a_whole() -> None:
    holder, offer_id = holder_and_offer()
    for lines in (3, 1, 2):
        with unit_of_work(holder):
            services.describe(holder, offer_id, VALUES | {"costs": VALUES["costs"] * lines})
        found = services.details_of(offer_id)
        assert found is not None
        assert [line.position for line in found.costs] == list(range(lines))


@pytest.mark.usefixtures("context")
def test_know_how_is_published_only_on_purpose_and_the_purpose_is_kept() -> None:
    holder, offer_id = holder_and_offer()
    risky = VALUES | {"advantage_zh": "烧结温度为 650 ℃，配方见附件"}
    with pytest.raises(Invalid) as refused, unit_of_work(holder):
        services.describe(holder, offer_id, risky)
    assert refused.value.code == "reads-like-know-how"
    assert services.details_of(offer_id) is None
    with unit_of_work(holder):
        services.describe(holder, offer_id, risky, may_be_public=True)
    [entry] = entries("offer.publication_confirmed")
    assert entry.actor_id == holder.user_id
    assert entry.data["kinds"] == ["parameter", "recipe"]
    with unit_of_work(holder):  # the same texts need no second confirmation
        services.describe(holder, offer_id, risky | {"maturity": "production"})
    assert len(entries("offer.publication_confirmed")) == 1
    with pytest.raises(Invalid), unit_of_work(holder):
        services.describe(holder, offer_id, risky | {"problem_zh": "密封件的配方"})


@pytest.mark.usefixtures("context")
def test_only_the_holder_or_its_agency_describes_and_never_an_offer_that_is_over() -> None:
    holder, offer_id = holder_and_offer()
    _, over_id = holder_and_offer(status="withdrawn", withdrawn_on=dt.date(2026, 10, 1))
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
        over_holder = factories.actor(db.session.get_one(Offer, over_id).holder)
    with pytest.raises(Forbidden), unit_of_work(stranger):
        services.describe(stranger, offer_id, VALUES)
    with pytest.raises(Unauthenticated), unit_of_work(VISITOR):
        services.describe(VISITOR, offer_id, VALUES)
    with pytest.raises(Conflict), unit_of_work(over_holder):
        services.describe(over_holder, over_id, VALUES)
    agency = Actor(
        user_id=stranger.user_id,
        organisation_id=stranger.organisation_id,
        principals=frozenset({holder.organisation_id or 0}),
        holders_only=frozenset({holder.organisation_id or 0}),
    )
    with unit_of_work(agency):
        services.describe(agency, offer_id, VALUES)


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"problem_en": "x" * 4001}, "problem_en"),
        ({"maturity": "perfect"}, "maturity"),
        ({"origins": {"problem_en": "oracle"}}, "origins"),
        ({"costs": [VALUES["costs"][0] | {"source": ""}]}, "costs"),
        ({"costs": VALUES["costs"] * 11}, "costs"),
        ({"side_offers": [VALUES["side_offers"][0] | {"kind": "gift"}]}, "side_offers"),
        ({"side_offers": VALUES["side_offers"] * 7}, "side_offers"),
    ],
)
def test_faults_of_a_description_are_named_by_field(values: dict[str, Any], field: str) -> None:
    holder, offer_id = holder_and_offer()
    with pytest.raises(Invalid) as refused, unit_of_work(holder):
        services.describe(holder, offer_id, VALUES | values)
    assert field in refused.value.fields


def png(colour: str = "teal") -> pictures.Upload:
    drawn = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(drawn, "PNG")
    return pictures.prepare(drawn.getvalue())


@pytest.mark.usefixtures("context")
def test_attachments_need_words_are_counted_and_can_be_taken_away() -> None:
    holder, offer_id = holder_and_offer()
    with pytest.raises(Invalid) as refused, unit_of_work(holder):
        services.attach(holder, offer_id, png(), name="a.png", alt_zh=" ")
    assert refused.value.code == "alt-missing"
    for number in range(rules.MOST_ATTACHMENTS):
        with unit_of_work(holder):
            last = services.attach(holder, offer_id, png(), name="a.png", alt_zh=f"图 {number}").id
    with pytest.raises(Conflict), unit_of_work(holder):
        services.attach(holder, offer_id, png(), name="a.png", alt_zh="第七张")
    row = services.attachment_of(VISITOR, offer_id, last)
    assert store().read(row.file.digest).startswith(b"\x89PNG")
    with unit_of_work(holder):
        services.detach(holder, offer_id, last)
    with pytest.raises(NotFound):
        services.attachment_of(VISITOR, offer_id, last)
    assert len(entries("offer.attachment_removed")) == 1


# --- questions


@pytest.mark.usefixtures("context")
def test_a_question_of_a_member_goes_to_the_holder_and_the_answer_comes_back() -> None:
    holder, offer_id = holder_and_offer()
    with unit_of_work():
        reader = factories.actor(factories.organisation())
        stranger = factories.actor(factories.organisation())
    with unit_of_work(reader):
        row = questions.ask(reader, offer_id, "能否用于 48 V 系统？", locale="zh")
    assert row.state == "open"
    assert [one.count for one in questions.unanswered(holder.holders)] == [1]
    with pytest.raises(NotFound):
        questions.get(stranger, row.id)
    with pytest.raises(Forbidden), unit_of_work(reader):
        questions.answer(reader, row.id, "可以")
    with unit_of_work(holder):
        questions.answer(holder, row.id, "可以，已在样机上验证。")
    assert questions.get(reader, row.id).answer == "可以，已在样机上验证。"
    assert questions.unanswered(holder.holders) == []
    assert [entry.data["offer"] for entry in entries("question.answered")] == [offer_id]


@pytest.mark.usefixtures("context")
def test_a_visitors_question_reaches_nobody_until_the_address_is_confirmed() -> None:
    holder, offer_id = holder_and_offer()
    with pytest.raises(Invalid) as refused, unit_of_work(VISITOR):
        questions.ask(VISITOR, offer_id, "问题", locale="zh", email="nobody")
    assert set(refused.value.fields) == {"email"}
    with unit_of_work(VISITOR):
        row = questions.ask(VISITOR, offer_id, "Can it be used at sea?", locale="en", email="a@example.org")
    assert questions.received(holder.holders) == []
    with pytest.raises(NotFound):
        questions.get(holder, row.id)
    assert db.session.scalars(sa.select(Task.name)).all() == ["questions.mail_confirm"]
    with pytest.raises(NotFound), unit_of_work(VISITOR):
        questions.confirm(VISITOR, "forged")
    token = questions.token_of(row)
    for _ in range(2):
        with unit_of_work(VISITOR):
            questions.confirm(VISITOR, token)
    assert [one.id for one in questions.received(holder.holders)] == [row.id]
    assert len(entries("question.confirmed")) == 1
    with unit_of_work(holder):
        questions.answer(holder, row.id, "Yes.")
    assert "questions.mail_answer" in db.session.scalars(sa.select(Task.name)).all()
    assert "a@example.org" not in str([entry.data for entry in db.session.scalars(sa.select(JournalEntry))])


@pytest.mark.usefixtures("context")
def test_what_is_published_is_worded_on_purpose_and_a_changed_answer_takes_it_back() -> None:
    holder, offer_id = holder_and_offer()
    with unit_of_work():
        reader = factories.actor(factories.organisation())
    with unit_of_work(reader):
        row_id = questions.ask(reader, offer_id, "贵司王工说可用，是吗？", locale="zh").id
    pair = {"question_zh": "可用于 48 V 系统吗？", "answer_zh": "可以。"}
    with pytest.raises(Conflict), unit_of_work(holder):
        questions.publish(holder, row_id, pair)
    with unit_of_work(holder):
        questions.answer(holder, row_id, "可以。")
    with pytest.raises(Invalid), unit_of_work(holder):
        questions.publish(holder, row_id, pair | {"answer_en": "Yes."})
    with pytest.raises(Invalid) as refused, unit_of_work(holder):
        questions.publish(holder, row_id, pair | {"answer_zh": "配方另议"})
    assert refused.value.code == "reads-like-know-how"
    with unit_of_work(holder):
        questions.publish(holder, row_id, pair)
    assert [one.question_zh for one in services.faq(offer_id)] == ["可用于 48 V 系统吗？"]
    with unit_of_work(holder):
        questions.answer(holder, row_id, "可以，见样机。")
    assert services.faq(offer_id) == []


@pytest.mark.usefixtures("context")
def test_a_mandated_agency_is_asked_too_while_its_mandate_runs() -> None:
    holder, offer_id = holder_and_offer()
    today = clock.today()
    with unit_of_work():
        offer = db.session.get_one(Offer, offer_id)
        agencies = [factories.organisation(type="agency") for _ in range(3)]
        for agency, scope, until in zip(
            agencies,
            ("holder", "licensee", "both"),
            (today, today, today - dt.timedelta(days=1)),
            strict=True,
        ):
            db.session.add(
                Mandate(
                    agent_id=agency.id,
                    principal_id=offer.holder_id,
                    scope=scope,
                    valid_from=today - dt.timedelta(days=30),
                    valid_to=until,
                    created_at=clock.now(),
                )
            )
    assert questions.who_answers(db.session.get_one(Offer, offer_id)) == [
        holder.organisation_id,
        agencies[0].id,
    ]


@pytest.mark.usefixtures("context")
def test_names_and_addresses_of_visitors_go_with_time() -> None:
    holder, offer_id = holder_and_offer()
    with unit_of_work(VISITOR):
        left = questions.ask(VISITOR, offer_id, "一", locale="zh", email="a@example.org", name="甲").id
        asked = questions.ask(VISITOR, offer_id, "二", locale="zh", email="b@example.org", name="乙")
        token = questions.token_of(asked)
    with unit_of_work(VISITOR):
        questions.confirm(VISITOR, token)
    with unit_of_work(holder):
        questions.answer(holder, asked.id, "答")
    with unit_of_work():
        assert questions.tidy() == 0
    with clock.at(clock.now() + dt.timedelta(days=91)), unit_of_work():
        assert questions.tidy() == 2
    db.session.expire_all()
    gone, kept = db.session.get_one(Question, left), db.session.get_one(Question, asked.id)
    assert (gone.state, gone.text, gone.email, gone.name) == ("set_aside", "", None, None)
    assert (kept.state, kept.text, kept.email, kept.name) == ("answered", "二", None, None)


@pytest.mark.usefixtures("context")
def test_no_question_on_what_is_not_public() -> None:
    _, offer_id = holder_and_offer(status="draft", evidence=None, announced_on=None)
    with unit_of_work():
        reader = factories.actor(factories.organisation())
    with pytest.raises(DomainError), unit_of_work(reader):
        questions.ask(reader, offer_id, "问", locale="zh")


# --- who is told, and what is found


@pytest.mark.usefixtures("context")
def test_holder_agency_and_asker_are_told_and_nobody_before_the_address_is_confirmed() -> None:
    holder, offer_id = holder_and_offer()
    with unit_of_work():
        agency = factories.organisation(type="agency")
        today = clock.today()
        db.session.add(
            Mandate(
                agent_id=agency.id,
                principal_id=holder.organisation_id,
                scope="both",
                valid_from=today,
                valid_to=today,
                created_at=clock.now(),
            )
        )
        agency_id, reader = agency.id, factories.actor(factories.organisation())
    with unit_of_work(VISITOR):
        row = questions.ask(VISITOR, offer_id, "问", locale="zh", email="a@example.org")
        token = questions.token_of(row)
    [asked] = entries("question.asked")
    assert tellings(asked) == []
    with unit_of_work(VISITOR):
        questions.confirm(VISITOR, token)
    [confirmed] = entries("question.confirmed")
    assert [one.to for one in tellings(confirmed)] == [holder.organisation_id, agency_id]
    with unit_of_work(reader):
        mine = questions.ask(reader, offer_id, "再问", locale="zh").id
    with unit_of_work(holder):
        questions.answer(holder, mine, "答")
        questions.answer(holder, row.id, "答")
    told = {entry.subject_id: [one.to for one in tellings(entry)] for entry in entries("question.answered")}
    assert told == {mine: [reader.organisation_id], row.id: []}


@pytest.mark.usefixtures("context")
def test_searches_find_what_the_holder_tells() -> None:
    holder, offer_id = holder_and_offer()
    with unit_of_work(holder):
        services.describe(holder, offer_id, VALUES)
    assert touched(entries("offer.described")) == {offer_id}
    [document] = documents([offer_id])
    assert "steering motors" in document.product
    assert document.problem == "端部绕组占用空间大"
    assert "单台铜材" in document.costs
    words, _, _ = index_fields(document)
    assert "铜材" in words["needs"].split()


def test_what_an_earlier_offer_of_the_patent_said_is_there_to_begin_with(context: None) -> None:
    holder, old_id = holder_and_offer()
    old = db.session.get_one(Offer, old_id)
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(picture, "PNG")
    with unit_of_work(holder):
        services.describe(holder, old_id, VALUES)
        services.attach(holder, old_id, pictures.prepare(picture.getvalue()), name="a.png", alt_zh="定子")
    with unit_of_work():
        old.status, old.withdrawn_on = "withdrawn", clock.today()
        stranger = factories.actor(factories.organisation())
    with unit_of_work(holder):
        new = draft_offer(holder, old.patent, {"fee_form": "free"})
    earlier = services.earlier_of(holder, new)
    assert earlier is not None
    assert services.earlier_of(stranger, new) is None
    assert services.earlier_of(holder, old) is None
    values = services.values_of(earlier) | {"product_zh": "新一代定子"}
    with unit_of_work(holder):
        services.describe(holder, new.id, values, files_from_earlier=True)
    found = services.details_of(new.id)
    assert found is not None
    assert (found.product_zh, found.problem_zh) == ("新一代定子", VALUES["problem_zh"])
    assert [one.alt_zh for one in found.attachments] == ["定子"]
    assert found.costs[0].item_en == "Copper per motor"
    kept = services.details_of(old_id)
    assert kept is not None
    assert (kept.product_zh, len(kept.attachments)) == (VALUES["product_zh"], 1)
