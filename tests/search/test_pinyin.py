"""Our table against pypinyin itself, which reads 55 MB of lists for the same answers."""

from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT

from marketplace.search import analysis
from marketplace.search.pinyin import syllables


def test_each_character_sounds_as_pypinyin_says_and_begins_with_the_same_letter() -> None:
    codes = (*range(0x3000, 0xFB00), *range(0x20000, 0x33000, 16))  # of the rare ones some: its own is slow
    signs = [sign for code in codes if analysis.is_han(sign := chr(code))]
    sounds = lazy_pinyin(signs)
    assert [sign for sign, sound in zip(signs, sounds, strict=True) if syllables(sign) != [sound]] == []
    first = lazy_pinyin(signs[::8], style=Style.FIRST_LETTER)
    assert [syllables(sign)[0][0] for sign in signs[::8]] == first


def test_each_word_of_its_dictionary_sounds_as_pypinyin_says() -> None:
    words = [word for word in PHRASES_DICT if analysis.normalise(word) == word]
    assert len(words) > 40_000
    assert [word for word in words if syllables(word) != lazy_pinyin(word)] == []


def test_signs_without_a_sound_stand_for_themselves() -> None:
    assert syllables("重庆LED灯3") == ["chong", "qing", "L", "E", "D", "deng", "3"]
    assert syllables("") == []
    assert syllables("\U0010ffff\ud800") == ["\U0010ffff", "\ud800"]
