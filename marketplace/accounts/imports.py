"""Lists of organisations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from marketplace.core import clock, convert
from marketplace.core.database import db
from marketplace.core.errors import Conflict, NotFound
from marketplace.core.importing import Checked, Importer, RowImporter
from marketplace.core.tables import Column
from marketplace.core.unit_of_work import lock, record

from . import past
from .confirming import confirm_by, note_clashes
from .models import Organisation
from .resolving import guess_type
from .services import find_organisation

TYPE = {
    "university": ("高校", "大学"),
    "institute": ("科研院所", "研究机构"),
    "hospital": ("医疗机构", "医院"),
    "enterprise": ("企业", "公司"),
    "individual": ("个人", "自然人"),
    "agency": ("服务机构", "代理机构"),
}


class OrganisationImport(RowImporter):
    """Organisations by code, else by exact name; what a row leaves empty stays as it is."""

    permission = "organisation.import"
    columns = (
        Column("code", "统一社会信用代码", convert.credit_code()),
        Column("name", "名称", convert.text(200), required=True),
        Column("name_en", "英文名称", convert.text(200)),
        Column("type", "类型", convert.choice(TYPE)),
        Column("region", "地区", convert.region()),
        Column("bank_account_name", "户名", convert.text(200)),
        Column("bank_name", "开户行", convert.text(200)),
        Column("bank_account", "账号", convert.code(r"[0-9A-Z-]{4,64}")),
        Column("stripe_account", "", convert.text(64)),
    )

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [values.get("code") or values["name"]]

    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        values = row.values
        found = find_organisation(values["name"], values.get("code"), matchable=True)
        given = {name: value for name, value in values.items() if value is not None}
        if found is None:
            organisation = Organisation(
                **({"type": guess_type(values["name"])} | given), created_at=clock.now()
            )
            db.session.add(organisation)
            db.session.flush()
            record("organisation.created", organisation, organisation_id=organisation.id)
            self._confirm(organisation)
            return "created"
        organisation = lock(Organisation, found.id)
        changed = {name: value for name, value in given.items() if getattr(organisation, name) != value}
        confirms = organisation.matchable and not organisation.confirmed
        if not changed and not confirms:
            return "unchanged"
        past.change(organisation, changed)
        if changed:
            record("organisation.changed", organisation, organisation_id=organisation.id)
        if confirms:
            self._confirm(organisation)
        elif "code" in changed:
            note_clashes([organisation.id])
        return "updated"

    def _confirm(self, organisation: Organisation) -> None:
        confirm_by(organisation, "import")
        note_clashes([organisation.id])


def owner_of(text: str) -> Organisation:
    """The organisation that `--owner` names: by code, else by exact name.

    Raises:
        NotFound: `owner-unknown`.
        Conflict: `owner-ambiguous`.
    """
    found = db.session.scalars(
        sa.select(Organisation)
        .where(
            Organisation.merged_into_id.is_(None),
            sa.or_(
                sa.and_(
                    Organisation.code == text.strip().upper(),
                    # What a member has typed names nobody.
                    sa.or_(Organisation.identity == "confirmed", Organisation.claimed_at.is_(None)),
                ),
                Organisation.name == text.strip(),
            ),
        )
        .limit(2)
    ).all()
    if not found:
        raise NotFound("owner-unknown", "No organisation has this code or name: %(owner)s", owner=text)
    if len(found) > 1:
        raise Conflict("owner-ambiguous", "Several organisations have this name: give the credit code.")
    return found[0]


IMPORTS: dict[str, type[Importer]] = {"organisations": OrganisationImport}
