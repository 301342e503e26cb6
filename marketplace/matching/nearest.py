"""The offers nearest in meaning to a text, for a search whose words find nothing."""

from __future__ import annotations

from typing import Final

from . import semantic

_MOST: Final = 20
_CLOSE: Final = 0.87
"""Two thirds of the pairs that people judged to answer each other reach that, 7 % of pairs at random do
(docs/matching.md); with this model nearly everything is above 0.8."""


def nearest(text: str) -> list[int]:
    """Ids of the offers nearest to a text, the nearest first; none where no model is configured."""
    model = semantic.model()
    vectors = semantic.vectors() if model is not None else None
    if model is None or vectors is None:
        return []
    cosines = vectors.cosines(semantic.ask(model, text), _MOST)
    close = sorted((-closeness, offer_id) for offer_id, closeness in cosines.items() if closeness >= _CLOSE)
    return [offer_id for _, offer_id in close]
