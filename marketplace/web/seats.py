"""Where a licensee may be seated, by name in the reader's language."""

from __future__ import annotations

from flask_babel import get_locale, gettext

from marketplace.deals.export_control.rules import BY_ANALOGY, MAINLAND

_NO_COUNTRIES = ("ZZ", "EU", "EZ", "UN", "QO", "XA", "XB")


def seats() -> list[tuple[str, str]]:
    """Codes of ISO 3166 with names: the mainland first, then what goes by analogy, then all countries."""
    names = {
        code: name for code, name in get_locale().territories.items() if len(code) == 2 and code.isalpha()
    }
    first = [(MAINLAND, str(gettext("Mainland of China"))), *((code, names[code]) for code in BY_ANALOGY)]
    others = sorted(
        ((code, name) for code, name in names.items() if code not in (MAINLAND, *BY_ANALOGY, *_NO_COUNTRIES)),
        key=lambda pair: pair[1],
    )
    return [*first, *others]


def name_of_seat(code: str) -> str:
    """What a seat is called; an unknown code is shown as it is."""
    if code == MAINLAND:
        return str(gettext("Mainland of China"))
    return str(get_locale().territories.get(code, code))
