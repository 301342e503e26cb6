"""Completing what people type, and guessing what they meant: by writing, by pinyin and by its initials.

What is offered comes from live offers only: words of their titles, their owners, the classes they lie in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from flask import current_app
from rapidfuzz import fuzz, process

from marketplace.accounts.models import Organisation
from marketplace.accounts.past import former_names_with_periods
from marketplace.core import clock, journal
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import IN_FORCE, Offer, Patent, PatentClass, PatentParty

from . import analysis, pinyin, synonyms, titles
from .models import Suggestion

_LONGEST_KEY: Final = 80
_LONGEST_TEXT: Final = 200
_LONGEST_TYPED: Final = 60
_LATIN: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_CLOSE: Final = 78
_CLOSE_CHINESE: Final = 68
"""How alike a word must be to be meant, of 100: one wrong character in a Chinese word is much of it."""

_SOME: Final = 400
_BATCH: Final = 2000
_LAST: Final = "\U0010ffff"
_EXTENSION: Final = "marketplace.search.suggestions"
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Hint:
    """A way to go on typing.

    Attributes:
        kind: `word`, `ipc` or `owner`.
        text: what to search for.
        offers: how many live offers it stands for.
    """

    kind: str
    text: str
    offers: int


# --- asking

_MOST: Final[Mapping[str, int]] = {"word": 6, "ipc": 3, "owner": 3}


def suggest(typed: str) -> list[Hint]:
    """How a search that begins like this could go on; of each kind the most frequent ones.

    Where nothing begins like the whole text, its last word is completed.
    """
    plain = analysis.normalise(typed)[: _LONGEST_TYPED + 1].strip()
    if not plain or len(plain) > _LONGEST_TYPED:
        return []
    if found := _beginning(plain):
        return found
    before, _, last = plain.rpartition(" ")
    if not before or not last:
        return []
    return [
        Hint(hint.kind, f"{before} {hint.text}", hint.offers)
        for hint in _beginning(last)
        if hint.kind == "word"
    ]


def _beginning(plain: str) -> list[Hint]:
    keys = dict.fromkeys((plain, _squeezed(plain)))
    ranges = [sa.and_(Suggestion.key >= key, Suggestion.key < key + _LAST) for key in keys if key]
    found: list[Hint] = []
    for kind, most in _MOST.items():
        rows = db.session.execute(
            sa.select(Suggestion.text, sa.func.max(Suggestion.weight).label("offers"))
            .where(Suggestion.kind == kind, Suggestion.weight > 0, sa.or_(*ranges))
            .group_by(Suggestion.text)
            .order_by(sa.desc("offers"), Suggestion.text)
            .limit(most)
        )
        found += [Hint(kind, text, offers) for text, offers in rows]
    return found


def _squeezed(plain: str) -> str:
    """Pinyin as the keys have it: without spaces and apostrophes between syllables."""
    return re.sub(r"[\s']+", "", plain) if plain.isascii() else plain


def correct(text: str) -> str | None:
    """What was probably meant by a text that finds nothing; None if it is what it seems, or unknown.

    Chinese is taken by its sound: characters of one pronunciation are mixed up most. Other words are compared
    letter by letter with those of the titles.
    """
    plain = analysis.normalise(text)[:_LONGEST_TYPED]
    pieces = re.findall(f"[{analysis.HAN}]+|[^\\s{analysis.HAN}]+|\\s+", plain)
    meant = "".join(_meant(piece) for piece in pieces).strip()
    return meant if meant and meant != plain.strip() else None


def _meant(piece: str) -> str:
    if piece.isspace():
        return piece
    if analysis.is_han(piece):
        return _by_sound(piece)
    return _by_letters(piece) if _LATIN.fullmatch(piece) and len(piece) > 3 else piece


def _by_sound(run: str) -> str:
    """The run with the longest stretches replaced that sound like a known word and are not one."""
    syllables = pinyin.syllables(run)
    stretches = {
        (start, end): "".join(syllables[start:end])
        for start in range(len(run))
        for end in range(start + 2, min(len(run), start + 8) + 1)
    }
    known = _texts(set(stretches.values()))
    made, start, unknown = "", 0, False
    while start < len(run):
        for end in range(min(len(run), start + 8), start + 1, -1):
            written = run[start:end]
            words = known.get(stretches[start, end], [])
            if written in words or (words and len(words[0]) == len(written)):
                made += written if written in words else words[0]
                start = end
                break
        else:
            made += run[start]
            start += 1
            unknown = True
    return _by_characters(run) if unknown and made == run else made


def _texts(sounds: Iterable[str]) -> dict[str, list[str]]:
    """Pinyin → the known Chinese words with it, most frequent first."""
    rows = db.session.execute(
        sa.select(Suggestion.key, Suggestion.text)
        .where(Suggestion.kind == "word", Suggestion.key.in_(list(sounds)))
        .order_by(Suggestion.weight.desc(), Suggestion.text)
    )
    found: dict[str, list[str]] = {}
    for key, text in rows:
        if analysis.is_han(text):
            found.setdefault(key, []).append(text)
    return found


def _by_characters(run: str) -> str:
    if len(run) < 3:
        return run
    near = _candidates(run[0])
    return _nearest(run, near, _CLOSE_CHINESE) or run


def _by_letters(word: str) -> str:
    """The known word that is most like it; or, as pinyin, the Chinese word."""
    rows = db.session.scalars(
        sa.select(Suggestion.text)
        .where(Suggestion.kind == "word", Suggestion.key == word)
        .order_by(Suggestion.weight.desc(), Suggestion.text)
    ).all()
    if rows:
        return word if word in rows else rows[0]
    return _nearest(word, _candidates(word[0]), _CLOSE) or word


def _nearest(word: str, candidates: Sequence[str], cutoff: int) -> str | None:
    found: Any = process.extractOne(word, candidates, scorer=fuzz.ratio, score_cutoff=cutoff)
    return found[0] if found else None


def _candidates(first: str) -> Sequence[str]:
    """Known words in their own writing that begin with this character, frequent ones first."""
    return db.session.scalars(
        sa.select(Suggestion.text)
        .where(
            Suggestion.kind == "word",
            Suggestion.key >= first,
            Suggestion.key < first + _LAST,
            Suggestion.key == Suggestion.text,
        )
        .order_by(Suggestion.weight.desc(), Suggestion.text)
        .limit(_SOME)
    ).all()


# --- keeping


def refresh() -> int:
    """Bring the suggestions in step with the live offers; the number of lines that changed.

    Called by the worker every few minutes; where the journal has not moved it does nothing.
    """
    head, day = journal.last_id(), clock.today()
    if current_app.extensions.get(_EXTENSION) == (head, day):
        return 0
    wanted = _wanted()
    rows = db.session.execute(
        sa.select(Suggestion.key, Suggestion.kind, Suggestion.text, Suggestion.id, Suggestion.weight)
    )
    held = {(key, kind, text): (id_, weight) for key, kind, text, id_, weight in rows}
    db.session.rollback()
    gone = [id_ for row, (id_, _) in held.items() if row not in wanted]
    new = [
        {"key": key, "kind": kind, "text": text, "weight": weight}
        for (key, kind, text), weight in wanted.items()
        if (key, kind, text) not in held
    ]
    changed = [
        {"id": held[row][0], "weight": weight}
        for row, weight in wanted.items()
        if row in held and held[row][1] != weight
    ]
    for part in _parts(gone):
        with unit_of_work():
            db.session.execute(sa.delete(Suggestion).where(Suggestion.id.in_(part)))
    for part in _parts(new):
        with unit_of_work():
            db.session.execute(sa.insert(Suggestion), part)
    for part in _parts(changed):
        with unit_of_work():
            db.session.execute(sa.update(Suggestion), part)
    current_app.extensions[_EXTENSION] = (head, day)
    return len(gone) + len(new) + len(changed)


def _parts(rows: Iterable[Any]) -> Iterable[list[Any]]:
    remaining = iter(rows)
    while part := list(islice(remaining, _BATCH)):
        yield part


def _wanted() -> dict[Row, int]:
    """Key, kind and text of every suggestion with the number of live offers behind it."""
    wanted: Counter[Row] = Counter()
    counts = _words()
    listed = {analysis.normalise(term) for group in synonyms.in_force() for term in group}
    for word in {*counts, *listed}:  # of the list for corrections only: a synonym alone may find offers
        for key in _keys(word):
            wanted[key, "word", word] = counts[word]
    for symbol, offers in _symbols().items():
        known = titles.title(symbol)
        told = known or titles.Title("", "")
        keys = {symbol.lower(), *(key for word in _title_words(told.zh, told.en) for key in _keys(word))}
        for key in keys:
            wanted[key[:_LONGEST_KEY], "ipc", symbol] = offers
    _count_owners(wanted)
    return wanted


def _live(query: Any) -> Any:
    today = clock.today()
    return query.where(
        Offer.status.in_(IN_FORCE),
        Offer.evidence == "verified",
        Offer.announced_on <= today,
        sa.or_(Offer.term_to.is_(None), Offer.term_to >= today),
        sa.or_(Patent.expires_on.is_(None), Patent.expires_on >= today),
    )


def _words() -> Counter[str]:
    counts: Counter[str] = Counter()
    query = _live(sa.select(Patent.title, Patent.title_en).join(Offer, Offer.patent_id == Patent.id))
    for title, title_en in db.session.execute(query):
        counts.update(_title_words(title, title_en or ""))
    return counts


def _title_words(title: str, title_en: str) -> set[str]:
    """Words in their own writing: Chinese ones of two characters or more, other ones of three letters."""
    cut = [word for whole, parts in analysis.words(title).items() for word in (whole, *parts)]
    chinese = {word for word in cut if analysis.is_han(word) and len(word) > 1}
    plain = analysis.normalise(f"{title} {title_en}")
    return chinese | {w for w in _LATIN.findall(plain) if len(w) > 2 and w not in analysis.STOP}


def _symbols() -> Counter[str]:
    counts: Counter[str] = Counter()
    query = _live(
        sa.select(Offer.id, PatentClass.symbol)
        .join(Patent, Patent.id == Offer.patent_id)
        .join(PatentClass, PatentClass.patent_id == Patent.id)
    )
    for _, symbol in {(id_, symbol[:4]) for id_, symbol in db.session.execute(query)}:
        if symbol[:1].isalpha():
            counts[symbol] += 1
    return counts


def _count_owners(wanted: Counter[Row]) -> None:
    query = _live(
        sa.select(
            Organisation.id, Organisation.name, Organisation.name_en, sa.func.count(sa.distinct(Offer.id))
        )
        .join(PatentParty, PatentParty.organisation_id == Organisation.id)
        .join(Patent, Patent.id == PatentParty.patent_id)
        .join(Offer, Offer.patent_id == Patent.id)
        .where(Organisation.type != "individual")  # nobody needs to be shown persons by their first letters
        .group_by(Organisation.id, Organisation.name, Organisation.name_en)
    )
    rows = db.session.execute(query).all()
    former = former_names_with_periods([row[0] for row in rows])
    for id_, name, name_en, offers in rows:
        written = [name, name_en, *(past.name for past in former.get(id_, ()))]
        for key in {key for text in written if text for key in _keys(analysis.normalise(text))}:
            wanted[key, "owner", name[:_LONGEST_TEXT]] += offers


@lru_cache(maxsize=100_000)
def _keys(word: str) -> tuple[str, ...]:
    """The ways in which people begin to type a word: as it is, its pinyin, the initials of that."""
    keys = [word]
    if any(map(analysis.is_han, word)):
        sounds = pinyin.syllables(word)
        keys += ["".join(sounds), "".join(sound[0] for sound in sounds)]
    return tuple(dict.fromkeys(key[:_LONGEST_KEY] for key in keys))
