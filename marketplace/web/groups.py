"""What the groups of figures are called, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext

from marketplace.statistics.columns import UNKNOWN
from marketplace.statistics.dimensions import LOCARNO, industry_name
from marketplace.statistics.figures import ALL

from . import labels
from .formats import english


def group_name(by: str | None, group: str) -> str:
    """The name of a group: a month as it is, a district, a class with its title, a price form.

    Args:
        by: one of the groupings, None for the whole.
        group: the group's code, `all` or `unknown`.
    """
    if by is None or group == ALL:
        return str(gettext("All"))
    if group == UNKNOWN:
        return str(gettext("Not known"))
    if by == "district":
        return labels.district(group)
    if by in ("ipc_section", "ipc_class", "ipc_subclass"):
        if group == LOCARNO:
            return str(gettext("Designs (Locarno)"))
        symbol = group.removeprefix(LOCARNO)
        return f"{symbol} {labels.ipc_title(symbol)}".strip()
    if by == "industry":
        return f"{group} {industry_name(group, english=english())}"
    if by in ("owner_type", "fee_form", "kind"):
        return str(labels.name(by, group))
    return group
