"""What the codes of stock-taking are called on pages."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext as _l

from .labels import Label

STATE: Final[dict[str, Label]] = {
    "entered": Label(_l("Being entered"), "secondary"),
    "submitted": Label(_l("Submitted"), "azure"),
    "unit_approved": Label(_l("Approved by the unit"), "blue"),
    "approved": Label(_l("Approved by the institution"), "green"),
}
WISH: Final[dict[str, Any]] = {
    "transfer": _l("Transfer"),
    "licence": _l("Licence"),
    "own_use": _l("Own use"),
    "none": _l("No wish stated"),
}
PRACTICE: Final[dict[str, Any]] = {
    "unknown": _l("Not stated"),
    "none": _l("Not used yet"),
    "own": _l("Used by ourselves"),
    "licensed": _l("Used by licensees"),
    "assigned": _l("Used by others"),
}
ROLE: Final[dict[str, Any]] = {
    "inventor": _l("Inventor"),
    "unit_reviewer": _l("Unit reviewer"),
    "institution_reviewer": _l("Institution reviewer"),
}
SECTION: Final[dict[str, Any]] = {
    "A": _l("A Human necessities"),
    "B": _l("B Operations, transport"),
    "C": _l("C Chemistry, metallurgy"),
    "D": _l("D Textiles, paper"),
    "E": _l("E Fixed constructions"),
    "F": _l("F Mechanical engineering"),
    "G": _l("G Physics"),
    "H": _l("H Electricity"),
    "L": _l("Designs (Locarno)"),
}
ACTIONS: Final[dict[str, Any]] = {
    "submit": _l("Submit for review"),
    "take_back": _l("Take back"),
    "approve": _l("Approve"),
    "return": _l("Return with the comment"),
    "comment": _l("Write the comment"),
}
BULK: Final[dict[str, Any]] = {
    "set_unit": _l("Put into a unit"),
    "set_inventor": _l("Name who enters it"),
    "set_grade": _l("Set the grade"),
    "set_wish": _l("Set the wish"),
    "set_practice": _l("Set the use"),
    "submit": _l("Submit for review"),
    "approve": _l("Approve"),
    "return": _l("Return with the comment"),
    "draft_offers": _l("Draft declarations"),
}
HISTORY: Final[dict[str, Any]] = {
    "stock.edited": _l("Entry changed"),
    "stock.placed": _l("Unit or inventor changed"),
    "stock.commented": _l("Comment"),
    "stock.submitted": _l("Submitted for review"),
    "stock.taken_back": _l("Taken back"),
    "stock.unit_approved": _l("Approved by the unit"),
    "stock.approved": _l("Approved by the institution"),
    "stock.returned": _l("Returned"),
}
