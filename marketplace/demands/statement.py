"""What whoever reads the confidential part of a demand accepts, in the present language."""

from __future__ import annotations

import hashlib

from flask_babel import force_locale, gettext

from marketplace.accounts.models import Organisation

LOCALES = ("zh", "en")


def statement(agent: Organisation | None = None, client: Organisation | None = None) -> str:
    """The confidentiality statement, kept word for word with who accepts it.

    Args:
        agent, client: the agency that asks and the organisation for which it asks, where there are two.
    """
    lines = [
        gettext(
            "1. My organisation uses the confidential part of this demand only to judge whether it can "
            "answer it, and to answer it."
        ),
        gettext(
            "2. It shows it only to its own people who need it for that, and they are bound as it is; it "
            "publishes nothing of it and files no patent on it."
        ),
        gettext(
            "3. This does not hold for what was public or known to it before, what becomes public "
            "without its doing, and what the law obliges it to disclose."
        ),
        gettext(
            "4. It deletes its copies when the firm asks it to. The duty lasts three years from today "
            "(Civil Code, Article 501; Anti-Unfair Competition Law, Article 10)."
        ),
        gettext("5. The firm may refuse or end the access. Each reading is kept with person and time."),
    ]
    if agent is not None and client is not None:
        lines.insert(
            0,
            gettext(
                "%(agent)s accepts this for %(client)s, under its mandate, and for itself. “My organisation” "
                "means each of the two, and each is bound.",
                agent=agent.name,
                client=client.name,
            ),
        )
    return "\n".join(lines)


def digest_of(words: str) -> str:
    """The sha256 of a statement in hex, by which a program says which words it accepts."""
    return hashlib.sha256(words.encode()).hexdigest()


def accepted_words(digest: str, agent: Organisation | None, client: Organisation | None) -> str | None:
    """The statement with this digest, in whichever language it was read; None where there is no such one."""
    for locale in LOCALES:
        with force_locale(locale):
            words = statement(agent, client)
        if digest_of(words) == digest.lower():
            return words
    return None
