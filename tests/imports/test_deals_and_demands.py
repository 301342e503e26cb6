"""Lists of offers, withdrawals, licences, demands and organisations."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask_babel import force_locale

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence
from marketplace.demands.models import Demand
from marketplace.listings import services
from marketplace.listings.models import Offer, Patent
from tests import factories
from tests.imports.conftest import Importing, counts

OFFERS = "专利号,声明编号,公告日,支付方式,固定费用,提成比例,许可期限起,许可期限止,联系方式,来源\n"


class Supply:
    """A holder with a member, three patents, and the operator."""

    def __init__(self) -> None:
        with unit_of_work():
            self.holder = factories.organisation("示例理工大学", stripe_account="acct_demo1")
            self.actor = factories.actor(self.holder)
            self.patents = [factories.patent(self.holder) for _ in range(3)]
            self.operator = factories.operator()

    def number(self, index: int) -> str:
        return self.patents[index].number or ""

    def offer(self, index: int = 0, **cells: str) -> str:
        values = {
            "number": self.number(index),
            "declaration": f"KF2026{index:06d}",
            "announced_on": "2026年9月1日",
            "form": "固定费用",
            "fee": "5万",
            "rate": "",
            "term_from": "2026-09-01",
            "term_to": "2031-08-31",
            "contact": "示例办公室 021-00000000",
            "source": "专利公报示例",
        } | cells
        return ",".join(values.values()) + "\n"


@pytest.fixture
def supply(context: None) -> Supply:
    return Supply()


def the_offer(number: str = "KF2026000000") -> Offer:
    return db.session.scalars(
        sa.select(Offer).where(Offer.declaration_number == number),
        execution_options={"populate_existing": True},
    ).one()


def test_the_gazettes_offers_are_live_at_once_and_stay_as_they_are(
    imported: Importing, supply: Supply
) -> None:
    text = OFFERS + supply.offer(0) + supply.offer(1, form="净销售额提成", fee="", rate="3%")
    text += supply.offer(2, form="免费", fee="")
    assert imported(text, "offers") == counts(read=3, created=3)
    assert imported(text, "offers") == counts(read=3, unchanged=3)
    offer = the_offer()
    assert offer.in_force_on(clock.today())
    assert services.get_offer(VISITOR, offer.id) is offer
    assert (offer.fee_minor, offer.holder.name, offer.channels) == (
        5_000_000,
        "示例理工大学",
        ["bank", "stripe"],
    )
    assert offer.payment_text == "一次性支付固定许可使用费人民币50,000元。"
    assert offer.payee_account == supply.holder.bank_account
    entry = db.session.scalars(
        sa.select(JournalEntry).where(JournalEntry.action == "offer.announced").order_by(JournalEntry.id)
    ).first()
    assert entry is not None
    assert (entry.occurred_on, entry.origin, entry.data["evidence"]) == (
        dt.date(2026, 9, 1),
        "import",
        "verified",
    )


def test_a_holders_list_is_only_stated_until_the_gazettes_list_verifies_it(
    imported: Importing, supply: Supply
) -> None:
    assert imported(OFFERS + supply.offer(), "offers", actor=supply.actor) == counts(read=1, created=1)
    assert (the_offer().evidence, the_offer().in_force_on(clock.today())) == ("holder_stated", False)
    with pytest.raises(NotFound):
        services.get_offer(VISITOR, the_offer().id)
    assert imported(OFFERS + supply.offer(fee="6万"), "offers") == counts(read=1, updated=1)
    assert (the_offer().evidence, the_offer().fee_minor) == ("verified", 6_000_000)
    assert imported(OFFERS + supply.offer(fee="6万"), "offers") == counts(read=1, unchanged=1)


def test_a_strangers_list_cannot_offer_somebody_elses_patent(imported: Importing, supply: Supply) -> None:
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    assert imported(OFFERS + supply.offer(), "offers", actor=stranger) == counts(read=1, rejected=1)


def test_a_holder_cannot_hand_in_anothers_patent_as_its_own_offer(
    imported: Importing, supply: Supply
) -> None:
    with unit_of_work():
        rival = factories.organisation("示例对手公司")
        actor = factories.actor(rival)
    listed = OFFERS + supply.offer()
    assert imported(listed, "offers", actor=actor, owner="示例对手公司") == counts(read=1, rejected=1)
    assert db.session.scalars(sa.select(Offer)).all() == []


def test_a_holders_wrong_number_does_not_keep_the_gazettes_offer_out(
    imported: Importing, supply: Supply
) -> None:
    stated = OFFERS + supply.offer(declaration="KF-WRONG", announced_on="2026-08-30")
    assert imported(stated, "offers", actor=supply.actor) == counts(read=1, created=1)
    assert imported(OFFERS + supply.offer(), "offers") == counts(read=1, updated=1)
    assert (the_offer().evidence, the_offer().announced_on) == ("verified", dt.date(2026, 9, 1))
    older = supply.offer(declaration="KF-OLD", announced_on="2025-01-02", term_from="2025-01-02")
    assert imported(OFFERS + older, "offers") == counts(read=1, rejected=1)


def test_a_number_that_a_holder_only_states_goes_to_the_patent_that_the_gazette_names(
    imported: Importing, supply: Supply
) -> None:
    with unit_of_work():
        rival = factories.organisation("示例对手公司")
        actor, other = factories.actor(rival), factories.patent(rival)
    squatting = OFFERS + supply.offer(number=other.number or "")
    assert imported(squatting, "offers", actor=actor) == counts(read=1, created=1)
    assert imported(OFFERS + supply.offer(), "offers", actor=supply.actor) == counts(read=1, rejected=1)
    assert imported(OFFERS + supply.offer(), "offers") == counts(read=1, created=1)
    assert (the_offer().holder_id, the_offer().evidence) == (supply.holder.id, "verified")


def test_an_announced_offer_with_a_bar_goes_live_and_its_duty_is_raised_at_once(
    imported: Importing, supply: Supply
) -> None:
    with unit_of_work(supply.actor):
        services.set_fact(supply.actor, supply.patents[0], "pledged", "without_consent")
    imported(OFFERS + supply.offer(), "offers")
    assert the_offer().in_force_on(clock.today())
    assert (the_offer().duty_bars, the_offer().duty_to_withdraw_since) == (["pledge"], clock.today())


def test_the_announcement_of_a_filed_draft_makes_that_draft_live(imported: Importing, supply: Supply) -> None:
    with unit_of_work(supply.actor):
        draft = services.draft_offer(
            supply.actor,
            supply.patents[0],
            {"fee_form": "free", "term_to": dt.date(2031, 8, 31), "contact": "示例"},
        )
        services.act(supply.actor, draft.id, "file", {"filed_on": dt.date(2026, 8, 1)})
    assert imported(OFFERS + supply.offer(form="免费", fee=""), "offers") == counts(read=1, updated=1)
    assert the_offer().id == draft.id
    assert the_offer().evidence == "verified"


@pytest.mark.parametrize(
    ("cells", "rejected"),
    [
        ({"fee": ""}, 1),
        ({"form": "利润额提成", "fee": ""}, 1),
        ({"announced_on": "2026-12-01"}, 1),
        ({"announced_on": ""}, 1),
        ({"form": "随便"}, 1),
        ({"term_to": "2026-08-01"}, 1),
        ({"number": "ZL201910000001.2"}, 1),
        ({"number": "201910000001.3"}, 1),
        ({"fee": "3000万"}, 0),
    ],
)
def test_offers_whose_fee_cannot_be_computed_are_refused_but_ceilings_bind_only_drafts(
    imported: Importing, supply: Supply, cells: dict[str, str], rejected: int
) -> None:
    assert imported(OFFERS + supply.offer(**cells), "offers")["rejected"] == rejected


def test_the_terms_of_a_live_offer_and_a_second_declaration_are_refused(
    imported: Importing, supply: Supply
) -> None:
    imported(OFFERS + supply.offer(), "offers")
    assert imported(OFFERS + supply.offer(fee="1元"), "offers") == counts(read=1, rejected=1)
    assert imported(OFFERS + supply.offer(declaration="KF-ANDERE"), "offers") == counts(read=1, rejected=1)
    assert the_offer().fee_minor == 5_000_000


def test_withdrawals_end_offers_once_and_a_new_declaration_may_follow(
    imported: Importing, supply: Supply
) -> None:
    imported(OFFERS + supply.offer(), "offers")
    text = "声明编号,撤回公告日,原因\nKF2026000000,2026-10-08,专利权质押\nKF-FREMD,2026-10-08,\n"
    assert imported(text, "withdrawals") == counts(read=2, updated=1, rejected=1)
    assert imported(text, "withdrawals") == counts(read=2, unchanged=1, rejected=1)
    assert (the_offer().status, the_offer().withdrawn_on) == ("withdrawn", dt.date(2026, 10, 8))
    later = "声明编号,撤回公告日\nKF2026000000,2026-10-09\n"
    assert imported(later, "withdrawals") == counts(read=1, rejected=1)
    again = supply.offer(declaration="KF-NEU", announced_on="2026-11-02")
    assert imported(OFFERS + again, "offers") == counts(read=1, created=1)


def test_a_holder_reports_its_own_withdrawals_and_no_others(imported: Importing, supply: Supply) -> None:
    imported(OFFERS + supply.offer(0) + supply.offer(1), "offers")
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    text = "声明编号,撤回公告日\nKF2026000000,2026-10-08\n"
    assert imported(text, "withdrawals", actor=stranger) == counts(read=1, rejected=1)
    assert imported(text, "withdrawals", actor=supply.actor) == counts(read=1, updated=1)
    assert the_offer().withdrawal_filed_on == dt.date(2026, 10, 8)


def test_the_gazettes_earlier_withdrawal_corrects_an_offer_that_lapsed_here(
    imported: Importing, supply: Supply
) -> None:
    imported(OFFERS + supply.offer(term_to="2026-10-31"), "offers")
    with unit_of_work():
        services.review(the_offer().id)
    assert (the_offer().status, the_offer().lapsed_on) == ("lapsed", dt.date(2026, 11, 1))
    text = "声明编号,撤回公告日\nKF2026000000,2026-10-08\n"
    assert imported(text, "withdrawals") == counts(read=1, updated=1)
    assert (the_offer().status, the_offer().lapsed_on) == ("withdrawn", None)


LICENCES = "专利号,声明编号,被许可人,许可种类,通知日,支付日,生效日,终止日,金额,备案号,备案日,来源\n"


def licence(supply: Supply, **cells: str) -> str:
    values = {
        "number": supply.number(0),
        "declaration": "KF2026000000",
        "licensee": "示例零部件有限公司",
        "kind": "开放",
        "notice_on": "2026-09-10",
        "paid_on": "2026-09-12",
        "effective_on": "",
        "ended_on": "",
        "amount": "5万元",
        "recordal": "",
        "recorded_on": "",
        "source": "登记部门清单示例",
    } | cells
    return ",".join(values.values()) + "\n"


def test_an_open_licence_takes_effect_on_payment_and_its_recordal_verifies_it(
    imported: Importing, supply: Supply
) -> None:
    imported(OFFERS + supply.offer(), "offers")
    assert imported(LICENCES + licence(supply), "licences") == counts(read=1, created=1)
    assert imported(LICENCES + licence(supply), "licences") == counts(read=1, unchanged=1)
    found = db.session.scalars(sa.select(Licence)).one()
    assert (found.effective_on, found.term_to) == (dt.date(2026, 9, 12), dt.date(2031, 8, 31))
    assert (found.evidence, found.recordal_state, found.amount_minor) == ("holder_stated", "to_do", 5_000_000)
    recorded = licence(supply, recordal="X2026980000001", recorded_on="2026-10-20")
    assert imported(LICENCES + recorded, "licences") == counts(read=1, updated=1)
    assert imported(LICENCES + recorded, "licences") == counts(read=1, unchanged=1)
    db.session.refresh(found)
    assert (found.evidence, found.recordal_state) == ("verified", "recorded")
    other = licence(supply, recordal="X-ANDERE", recorded_on="2026-10-20")
    assert imported(LICENCES + other, "licences") == counts(read=1, rejected=1)
    entries = db.session.execute(
        sa.select(JournalEntry.action, JournalEntry.occurred_on)
        .where(JournalEntry.subject_type == "licences")
        .order_by(JournalEntry.id)
    ).all()
    assert [tuple(entry) for entry in entries][:2] == [
        ("licence.in_effect", dt.date(2026, 9, 12)),
        ("licence.recorded", dt.date(2026, 10, 20)),
    ]


def test_an_ordinary_licence_stands_apart_from_every_offer(imported: Importing, supply: Supply) -> None:
    imported(OFFERS + supply.offer(), "offers")
    text = LICENCES + licence(supply, kind="普通", ended_on="2026-10-01")
    assert imported(text, "licences") == counts(read=1, created=1)
    assert imported(text, "licences") == counts(read=1, unchanged=1)
    found = db.session.scalars(sa.select(Licence)).one()
    assert (found.kind, found.offer_id, found.state, found.ended_on) == (
        "ordinary",
        None,
        "ended",
        dt.date(2026, 10, 1),
    )
    actions = set(
        db.session.scalars(sa.select(JournalEntry.action).where(JournalEntry.subject_type == "licences"))
    )
    assert actions == {"licence.ordinary_noted", "licence.ended"}


@pytest.mark.parametrize(
    "cells",
    [
        {"declaration": "KF-FREMD"},
        {"notice_on": "2026-08-31"},
        {"notice_on": "", "paid_on": ""},
        {"kind": "独占"},
        {"notice_on": "2026-10-09", "paid_on": "2026-10-09"},
        {"paid_on": "2026-12-01"},
        {"ended_on": "2026-09-01"},
        {"recorded_on": "2026-10-01"},
        {"recordal": "X1"},
    ],
)
def test_licences_that_cannot_be_are_refused(
    imported: Importing, supply: Supply, cells: dict[str, str]
) -> None:
    imported(OFFERS + supply.offer(), "offers")
    imported("声明编号,撤回公告日\nKF2026000000,2026-10-08\n", "withdrawals")
    assert imported(LICENCES + licence(supply, **cells), "licences") == counts(read=1, rejected=1)


def test_a_licence_is_reported_by_a_party_to_it_only(imported: Importing, supply: Supply) -> None:
    imported(OFFERS + supply.offer(), "offers")
    with unit_of_work():
        licensee = factories.actor(factories.organisation("示例零部件有限公司"))
        stranger = factories.actor(factories.organisation())
    text = LICENCES + licence(supply, recordal="X2026980000001", recorded_on="2026-10-20")
    assert imported(text, "licences", actor=stranger) == counts(read=1, rejected=1)
    assert imported(text, "licences", actor=licensee) == counts(read=1, created=1)
    assert db.session.scalars(sa.select(Licence)).one().evidence == "holder_stated"
    assert imported(text, "licences") == counts(read=1, updated=1)
    assert db.session.scalars(sa.select(Licence)).one().evidence == "verified"


def test_a_verified_licence_is_no_longer_a_partys_to_change(imported: Importing, supply: Supply) -> None:
    imported(OFFERS + supply.offer(), "offers")
    text = LICENCES + licence(supply, recordal="X2026980000001", recorded_on="2026-10-20")
    assert imported(text, "licences") == counts(read=1, created=1)
    before = db.session.scalars(sa.select(Licence)).one()
    sums = (before.amount_minor, before.paid_on)
    assert imported(text, "licences", actor=supply.actor) == counts(read=1, unchanged=1)
    other = text.replace("5万", "9万")
    assert other != text
    assert imported(other, "licences", actor=supply.actor) == counts(read=1, rejected=1)
    db.session.expire_all()
    after = db.session.scalars(sa.select(Licence)).one()
    assert (after.amount_minor, after.paid_on) == sums


def test_an_agency_that_only_seeks_licences_reports_none_as_holder(
    imported: Importing, supply: Supply
) -> None:
    imported(OFFERS + supply.offer(), "offers")
    with unit_of_work():
        own = factories.actor(factories.organisation())
    principal = frozenset({supply.holder.id})
    agency = Actor(own.user_id, own.organisation_id, principals=principal, licensees_only=principal)
    assert imported(LICENCES + licence(supply), "licences", actor=agency) == counts(read=1, rejected=1)


DEMANDS = "编号,单位,标题,需求描述,分类号,预算,所在区,答复期限\n"


def test_demands_are_published_once_and_edited_afterwards(imported: Importing, supply: Supply) -> None:
    text = (
        DEMANDS + "XQ-1,示例食品有限公司,杂粮粥夹生,希望复水时间五分钟以内,A23L7/10,20万,310116,2026-12-31\n"
    )
    assert imported(text, "demands") == counts(read=1, created=1)
    assert imported(text, "demands") == counts(read=1, unchanged=1)
    assert imported(text.replace("20万", "30万"), "demands") == counts(read=1, updated=1)
    demand = db.session.scalars(sa.select(Demand)).one()
    assert (demand.state, demand.budget_minor, demand.ipc) == ("published", 30_000_000, ["A23L7/10"])
    assert imported(text.replace("A23L7/10", "ZZ"), "demands", actor=supply.operator)["rejected"] == 1
    assert imported(text, "demands", actor=supply.actor) == counts(read=1, rejected=1)


@pytest.mark.parametrize(
    ("locale", "reason"),
    [("zh", "不显示企业名称时，请用几个字描述该企业。"), ("en", "Please describe the firm in a few words")],
)
def test_what_only_the_database_shows_to_be_wrong_is_told_in_the_readers_language(
    imported: Importing, supply: Supply, tmp_path: Path, locale: str, reason: str
) -> None:
    need = "XQ-1,示例食品有限公司,杂粮粥夹生,快些复水"
    first = f"编号,单位,标题,需求描述,公开单位名称,单位描述\n{need},否,一家食品厂\n"
    assert imported(first, "demands") == counts(read=1, created=1)
    # The name stays hidden, and now nothing stands in its place.
    second = f"编号,单位,标题,需求描述,单位描述\n{need},\n"
    report = tmp_path / "report.csv"
    with force_locale(locale):
        assert imported(second, "demands", report=report) == counts(read=1, rejected=1)
    (row,) = csv.DictReader(report.read_text().splitlines())
    assert (row["field"], row["code"]) == ("described_as", "description-missing")
    assert row["reason"].startswith(reason)


ORGANISATIONS = "code,name,type,region,bank_account_name,bank_name,bank_account\n"


def test_organisations_are_known_by_name_and_get_what_a_row_adds(imported: Importing, supply: Supply) -> None:
    text = ORGANISATIONS + ",示例理工大学,高校,310110,,,\n,示例骨伤医院,,310109,户,行,3100-1234\n"
    assert imported(text, "organisations") == counts(read=2, created=1, updated=1)
    assert imported(text, "organisations") == counts(read=2, unchanged=2)
    db.session.refresh(supply.holder)
    assert (supply.holder.type, supply.holder.region) == ("university", "310110")
    hospital = db.session.scalars(sa.select(Organisation).where(Organisation.name == "示例骨伤医院")).one()
    assert (hospital.type, hospital.bank_account) == ("hospital", "3100-1234")
    with pytest.raises(Forbidden):
        imported(text, "organisations", actor=supply.actor)


def test_an_agency_imports_under_its_mandate(imported: Importing, supply: Supply) -> None:
    with unit_of_work():
        own = factories.actor(factories.organisation())
    agency = Actor(own.user_id, own.organisation_id, principals=frozenset({supply.holder.id}))
    assert imported(OFFERS + supply.offer(), "offers", actor=agency, owner="示例理工大学") == counts(
        read=1, created=1
    )
    assert the_offer().holder_id == supply.holder.id


def test_no_patent_is_made_by_a_list_of_offers(imported: Importing, supply: Supply) -> None:
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Patent))
    imported(OFFERS + supply.offer(number="ZL201910000001.2"), "offers")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Patent)) == before


def test_the_report_goes_by_lines_whatever_found_the_error(imported: Importing, tmp_path: Path) -> None:
    text = "声明编号,撤回公告日\nKF-1,2026-09-01\nKF-2,?\nKF-3,2026-09-01\n,2026-09-01\n"
    report = tmp_path / "report.csv"
    assert imported(text, "withdrawals", report=report) == counts(read=4, rejected=4)
    lines = [row.split(",")[0] for row in report.read_text("utf-8").splitlines()[1:]]
    assert lines == ["2", "3", "4", "5"]
