"""Lists of recordals as the gazette prints them: in effect, changed, cancelled (GL V-8 §1.3.2.7)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, Literal

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.core import clock, convert
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.importing import Checked, Importer, Problem, RowImporter
from marketplace.core.tables import Column
from marketplace.core.unit_of_work import lock
from marketplace.deals.licences import confirm_recordal, end_now, enter_recordal
from marketplace.deals.models import ON_THE_REGISTER, Licence
from marketplace.listings.gazette import columns, matching
from marketplace.listings.models import Patent

from .services import note_cancellation, note_change

Said = Literal["created", "updated", "unchanged"]
KIND: Final = {
    "exclusive": ("独占", "独占许可"),
    "sole": ("排他", "排他许可"),
    "ordinary": ("普通", "普通许可"),
    "open": ("开放", "开放许可"),
}
_BARRING: Final = ("exclusive", "sole")


class RecordalImport(RowImporter):
    """Recordals, by patent number and licensee, or by their own number once it is known here.

    A recordal number that the gazette prints verifies the licence. A licence that nobody has entered is not
    made up: the gazette tells neither its day of effect nor its terms.
    """

    permission = "gazette.import"
    columns = (
        *columns.shared(),
        Column(
            "recordal_number", "备案号", convert.recordal_number(), required=True, aliases=("合同备案号",)
        ),
        Column("licensor", "许可人", convert.listing(convert.text(200)), aliases=("让与人",)),
        Column("licensee", "被许可人", convert.text(200), aliases=("受让人",)),
        Column("filing_date", "申请日", convert.date()),
        Column("publication_date", "发明公布日", convert.date()),
        Column("grant_date", "授权公告日", convert.date()),
        Column("kind", "许可种类", convert.choice(KIND)),
        Column("recorded_on", "备案日", convert.date(), aliases=("备案日期",)),
        Column("changed_on", "变更日", convert.date(), aliases=("变更日期",)),
        Column("item", "变更项", convert.text(100), aliases=("变更事项",)),
        Column("before", "变更前", convert.text(1_000, lines=True)),
        Column("after", "变更后", convert.text(1_000, lines=True)),
        Column(
            "cancelled_on",
            "许可合同备案解除日",
            convert.date(),
            aliases=("解除日", "备案解除日", "许可合同备案注销日"),
        ),
    )

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        days = tuple(values.get(name) for name in ("recorded_on", "changed_on", "cancelled_on"))
        return [(str(values["patent_number"]), values["recordal_number"], values.get("item"), *days)]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        events = [values.get(name) for name in ("recorded_on", "changed_on", "cancelled_on")]
        if not any(events):
            reason = gettext("Give the day of the recordal, of its change or of its cancellation.")
            return [Problem("recorded_on", "required", reason)]
        found = [
            Problem(name, "date-in-future", gettext("This day lies in the future."))
            for name in ("recorded_on", "changed_on", "cancelled_on")
            if values.get(name) is not None and values[name] > clock.today()
        ]
        if values.get("changed_on") and not values.get("item"):
            found.append(Problem("item", "required", gettext("Say which item was changed.")))
        return found

    def write_one(self, row: Checked) -> Said:
        values = row.values
        patent = lock(Patent, matching.patent_of(values["patent_number"]).id)
        matching.require_same(patent, {"title": values.get("title")})
        matching.require_patentees(patent, values.get("licensor") or ())
        licence = lock(Licence, self._licence(patent, values).id)
        changed = False
        if values.get("recorded_on"):
            changed |= self._record(licence, values)
        if values.get("changed_on"):
            changed |= self._change(licence, values)
        if values.get("cancelled_on"):
            changed |= self._cancel(licence, values)
        return "updated" if changed else "unchanged"

    def _licence(self, patent: Patent, values: Mapping[str, Any]) -> Licence:
        query = sa.select(Licence).where(Licence.patent_id == patent.id).order_by(Licence.id)
        licences = list(db.session.scalars(query))
        number = values["recordal_number"]
        numbered = [licence for licence in licences if licence.recordal_number == number]
        if numbered:
            return numbered[0]
        if values.get("kind") in _BARRING:
            raise Conflict(
                "gazette-exclusive-licence",
                "This is an exclusive or sole licence: state it as a fact of the patent "
                "(独占排他许可至). A declaration in force then has to be withdrawn.",
            )
        wanted = matching.folded(values.get("licensee") or "")
        found = [
            licence
            for licence in licences
            if licence.recordal_number is None
            and licence.effective_on <= (values.get("recorded_on") or licence.effective_on)
            and (not wanted or matching.folded(licence.licensee.name) == wanted)
            and values.get("kind") != ("open" if licence.kind == "ordinary" else None)
        ]
        if len(found) > 1:
            raise Conflict(
                "gazette-two-candidates",
                "Several licences on this patent could be meant (%(licences)s): record the number on the "
                "right one, then repeat.",
                licences=", ".join(licence.number for licence in found),
            )
        if not found:
            raise NotFound(
                "gazette-licence-unknown",
                "No licence of this licensee on this patent waits for a recordal here: import it in the "
                "list of licences, with its day of effect, then repeat.",
            )
        return found[0]

    def _record(self, licence: Licence, values: Mapping[str, Any]) -> bool:
        number, on = values["recordal_number"], values["recorded_on"]
        if licence.recordal_state in ON_THE_REGISTER:
            if licence.recorded_on != on:
                raise Conflict(
                    "recorded-otherwise",
                    "Another recordal is on record for this licence (%(number)s).",
                    number=licence.recordal_number or "",
                )
            confirmed = confirm_recordal(licence)
            self.details["recorded"] += confirmed
            return confirmed
        if on < licence.effective_on:
            reason = gettext("The days of notice, effect, recordal and end contradict each other.")
            raise Invalid("dates-reversed", reason, fields={"recorded_on": [reason]})
        enter_recordal(self.actor, licence, number=number, on=on, side="gazette")
        self.details["recorded"] += 1
        return True

    def _change(self, licence: Licence, values: Mapping[str, Any]) -> bool:
        told = note_change(
            self.actor,
            licence,
            on=values["changed_on"],
            item=values["item"],
            before=values.get("before"),
            after=values.get("after"),
            side="gazette",
        )
        self.details["recordals_changed"] += told
        return told

    def _cancel(self, licence: Licence, values: Mapping[str, Any]) -> bool:
        on = values["cancelled_on"]
        told = note_cancellation(self.actor, licence, on=on, side="gazette")
        if told and licence.state == "in_effect":
            end_now(self.actor, licence, "end", "recordal_cancelled", max(on, licence.effective_on))
        self.details["recordals_cancelled"] += told
        return told


IMPORTS: dict[str, type[Importer]] = {"gazette-recordals": RecordalImport}
