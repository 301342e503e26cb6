"""Numbers and symbols of the patent world: read in every usual written form, kept in one.

Sources: the application number standard ZC 0006-2003, the publication number standard ZC 0007-2012, GB
32100-2015 (unified social credit codes), the International Patent Classification and the Locarno
Classification.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

PatentKind = Literal["invention", "utility_model", "design"]

KINDS: Final[dict[str, PatentKind]] = {
    "1": "invention",
    "2": "utility_model",
    "3": "design",
    "8": "invention",  # international application in the national phase
    "9": "utility_model",  # the same
}
_LETTER_KINDS: Final[dict[str, PatentKind]] = {
    "A": "invention",
    "B": "invention",
    "C": "invention",
    "U": "utility_model",
    "Y": "utility_model",
    "D": "design",
    "S": "design",
}
_WEIGHTS: Final = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)


class InvalidNumber(ValueError):
    """A number or symbol that cannot be what it claims to be.

    `code` is stable and has a sentence in `convert.reason`, which `parameters` fill; `text` is what was
    given.
    """

    def __init__(self, code: str, text: str, **parameters: str | int) -> None:
        super().__init__(f"{code}: {text!r}")
        self.code = code
        self.text = text
        self.parameters = parameters


# What people and office programs write for the signs in a number: the multiplication sign, the Cyrillic and
# the Greek capital for X; dashes of every length; full stops and middle dots; invisible marks; a text mark
# of Excel's.
_LOOKALIKES: Final = str.maketrans(
    dict.fromkeys("\u00d7\u0425\u0445\u03a7", "X")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u3002\u00b7\u30fb\u2022\u2027", ".")
    | dict.fromkeys("\u200b\u200e\ufeff'\u2019`", "")
)


def _plain(text: str) -> str:
    """`text` in half-width upper case, outer spaces gone, look-alike signs unified."""
    if text.isascii():
        return text.strip().strip("'`").upper()
    return unicodedata.normalize("NFKC", text).translate(_LOOKALIKES).strip().upper()


# --- application numbers

_APPLICATION: Final = re.compile(
    r"(?:CN)?(?:ZL)?(?:CN)?(\d{12}|\d{8})(?:\.?([\dX]))?(?:\.0(?=$))?$", re.ASCII
)
_NUMBER_LABEL: Final = re.compile(r"^(?:中国)?(?:专利申请号|申请\(专利\)号|专利号|申请号|NO\.?|№)[:\s]*")
_PREFIX: Final = re.compile(r"^(?:CN|ZL)?[\s.\-]*(?:ZL|CN)?[\s.\-:]*(?=\d|$)")
_EXPONENT: Final = re.compile(r"\d(?:\.\d+)?E\+?\d+$", re.ASCII)
_SEPARATED_CHECK: Final = re.compile(r"^(.*[\dX])[\s.\-_/]+([\dX])$", re.ASCII)
_SEPARATORS: Final = re.compile(r"[\s.\-_/]+")


@lru_cache(maxsize=8192)
def check_digit(serial: str) -> str:
    """The check digit (0 to 9 or X) of an application number's 12 digits, or of the 8 used before Oct. 2003.

    Weights 2 to 9, then 2 to 5; the sum modulo 11; 10 is written X (ZC 0006-2003, 6).
    """
    remainder = sum(int(digit) * weight for digit, weight in zip(serial, _WEIGHTS, strict=False)) % 11
    return "X" if remainder == 10 else str(remainder)


@dataclass(frozen=True, slots=True, order=True)
class PatentNumber:
    """A Chinese application number, which after grant is the patent number.

    `serial` is the number without its check digit: year (4), kind (1), serial (7); before 1 October 2003
    year (2), kind (1), serial (5). Build it with `parse`, which checks it.
    """

    serial: str

    @classmethod
    def parse(cls, text: str) -> PatentNumber:
        """The number in `text`, with or without ZL or CN, separators, full-width signs, check digit.

        A check digit that is given is verified; one that is missing is computed.
        Raises `InvalidNumber`: number-empty, number-characters, number-exponent, number-length, number-year,
        number-kind, number-check-digit.
        """
        plain = _plain(text)
        match = _APPLICATION.match(plain)
        if match:
            serial, check = match.groups()
        else:
            serial, check = cls._pieces(plain, text)
        kind = serial[4] if len(serial) == 12 else serial[2]
        if kind not in KINDS:
            raise InvalidNumber("number-kind", text, digit=kind)
        if len(serial) == 12:
            if not "2003" <= serial[:4] <= "2099":
                raise InvalidNumber("number-year", text, year=serial[:4])
        elif "03" < serial[:2] < "85":
            raise InvalidNumber("number-year", text, year=serial[:2])
        if check is not None and check != (expected := check_digit(serial)):
            raise InvalidNumber("number-check-digit", text, given=check, expected=expected)
        return cls(serial)

    @staticmethod
    def _pieces(plain: str, text: str) -> tuple[str, str | None]:
        """Digits and check digit of a form with separators inside."""
        body = _PREFIX.sub("", _NUMBER_LABEL.sub("", plain))
        if not body:
            raise InvalidNumber("number-empty", text)
        if _EXPONENT.search(body):
            raise InvalidNumber("number-exponent", text)
        check: str | None = None
        # A sign set apart at the end is the check digit: without this rule a number that lost a digit would
        # pass for one that was written without its check digit.
        if separated := _SEPARATED_CHECK.match(body):
            body, check = separated.groups()
        digits = _SEPARATORS.sub("", body)
        if check is None and len(digits) in (9, 13):
            digits, check = digits[:-1], digits[-1]
        if not (digits.isascii() and digits.isdigit()):
            raise InvalidNumber("number-characters", text)
        if len(digits) not in (8, 12):
            raise InvalidNumber("number-length", text, digits=len(digits) + (check is not None))
        return digits, check

    @property
    def check(self) -> str:
        """The check digit, 0 to 9 or X."""
        return check_digit(self.serial)

    @property
    def canonical(self) -> str:
        """The one form that is stored and compared: `201910000001.2`."""
        return f"{self.serial}.{check_digit(self.serial)}"

    @property
    def display(self) -> str:
        """The form on pages and papers: `ZL201910000001.2`. For granted patents only: ZL claims a grant."""
        return f"ZL{self.canonical}"

    @property
    def spaced(self) -> str:
        """The form of certificates of grant: `ZL 2019 1 0000001.2`. For granted patents only."""
        cut = len(self.serial) // 4 + 1 if len(self.serial) == 12 else 2
        return f"ZL {self.serial[:cut]} {self.serial[cut]} {self.serial[cut + 1 :]}.{self.check}"

    @property
    def application(self) -> str:
        """The form of an application that is not granted: `CN201910000001.2`."""
        return f"CN{self.canonical}"

    @property
    def year(self) -> int:
        """The year in the number, usually that of filing."""
        if len(self.serial) == 12:
            return int(self.serial[:4])
        short = int(self.serial[:2])
        return short + (1900 if short >= 85 else 2000)

    @property
    def kind(self) -> PatentKind:
        """invention, utility_model or design."""
        return KINDS[self._kind_digit]

    @property
    def national_phase(self) -> bool:
        """Whether it came through the Patent Cooperation Treaty (kind digits 8 and 9)."""
        return self._kind_digit in "89"

    @property
    def _kind_digit(self) -> str:
        return self.serial[4 if len(self.serial) == 12 else 2]

    def __str__(self) -> str:
        return self.canonical


# --- publication numbers

# Nine digits since 2007, seven before, from 1985 to 1988 the application number. A digit after the letter
# marks a corrected or partly invalidated publication of the same patent.
_PUBLICATION: Final = re.compile(
    r"(?:CN)?(([123])\d{8}|([123])\d{6}|8[5-8]([123])\d{5})([ABCDSUY]?)\d?$", re.ASCII
)
# Only inventions are published twice; for the other rights the letter follows from the digits.
_ONLY_LETTERS: Final = {
    ("utility_model", 9): "U",
    ("utility_model", 7): "Y",
    ("design", 9): "S",
    ("design", 7): "D",
}
_PUBLICATION_LABEL: Final = re.compile(r"^(?:授权公告号|申请公布号|公开\(公告\)号|公开号|公告号)[:\s]*")


@dataclass(frozen=True, slots=True, order=True)
class PublicationNumber:
    """A Chinese publication or announcement number, `CN102307917B`: `digits` and the kind `letter`."""

    digits: str
    letter: str

    @classmethod
    def parse(cls, text: str) -> PublicationNumber:
        """The number written in `text`: `CN 102307917 B` and its variants; a design's also without letter.

        Raises `InvalidNumber`: publication-number-form, publication-number-letter (missing, or contradicts
        the digits).
        """
        plain = _SEPARATORS.sub("", _PUBLICATION_LABEL.sub("", _plain(text)))
        match = _PUBLICATION.match(plain)
        if match is None:
            raise InvalidNumber("publication-number-form", text)
        digits, nine, seven, old, letter = match.groups()
        kind = KINDS[nine or seven or old]
        letter = letter or _ONLY_LETTERS.get((kind, len(digits)), "")
        if _LETTER_KINDS.get(letter) != kind:
            raise InvalidNumber("publication-number-letter", text, letter=letter)
        return cls(digits, letter)

    @property
    def canonical(self) -> str:
        """The one form that is stored and compared: `CN102307917B`."""
        return f"CN{self.digits}{self.letter}"

    @property
    def base(self) -> str:
        """`CN102307917`: since 2010 the same for the published application (A) and the granted patent (B)."""
        return f"CN{self.digits}"

    @property
    def display(self) -> str:
        """The form on pages: `CN 102307917 B`."""
        return f"CN {self.digits} {self.letter}"

    @property
    def kind(self) -> PatentKind:
        """invention, utility_model or design."""
        return _LETTER_KINDS[self.letter]

    @property
    def granted(self) -> bool:
        """Whether it announces a grant rather than a published application."""
        return self.letter != "A"

    def __str__(self) -> str:
        return self.canonical


_PUBLISHED: Final = re.compile(r"\d[\s.\-]*[ABCDSUY]\d?$|CN\s*[123](\d{8}|\d{6})$", re.ASCII)

# Offices whose numbers people paste; ZL is the Chinese grant's own mark.
_FOREIGN: Final = re.compile(
    r"(?:PCT|WO|EP|EA|AP|OA|US|JP|KR|TW|HK|MO|DE|GB|FR|IT|ES|NL|CH|SE|RU|IN|AU|CA|BR|SG)[\s/]*[A-Z/]*\s*\d",
    re.ASCII,
)


def parse_number(text: str) -> PatentNumber | PublicationNumber:
    """The application number in `text`, or the publication number if it has the form of one.

    Raises `InvalidNumber` as the two `parse` do, and number-foreign for one of another office.
    """
    if _FOREIGN.match(_plain(text).strip()):
        raise InvalidNumber("number-foreign", text)
    if _PUBLISHED.search(_plain(text)):
        return PublicationNumber.parse(text)
    return PatentNumber.parse(text)


# --- organisations


def credit_code(text: str) -> str:
    """The unified social credit code (统一社会信用代码, GB 32100-2015) in `text`: 18 signs, check verified.

    Raises `InvalidNumber`: credit-code-length, credit-code-check, credit-code-characters.
    """
    plain = _SEPARATORS.sub("", _plain(text))
    try:
        return uscc.validate(plain)
    except InvalidLength as error:
        raise InvalidNumber("credit-code-length", text, signs=len(plain)) from error
    except InvalidChecksum as error:
        raise InvalidNumber("credit-code-check", text) from error
    except ValidationError as error:
        raise InvalidNumber("credit-code-characters", text) from error


# --- classifications

_IPC: Final = re.compile(
    r"([A-H])\s*(?:(\d{2})\s*(?:([A-Z])\s*(?:(\d{1,4})\s*(?:/\s*(\d{2,6}))?)?)?)?"
    r"(?:\s*\(\d{4}\.\d{2}\)\s*[A-Z]{0,2})?$",
    re.ASCII,
)
_IPC_FIXED: Final = re.compile(r"([A-H]\d{2}[A-Z])(\d{4})(\d{6})$", re.ASCII)
_LOCARNO: Final = re.compile(r"(?:LOC\s*\(\d+\)\s*(?:CL\.?)?\s*)?(\d{1,2})\s*-\s*(\d{1,2})$", re.ASCII)
_LOCARNO_CLASSES: Final = 32


@dataclass(frozen=True, slots=True)
class IpcSymbol:
    """A place in the International Patent Classification, from a section (`H`) to a group (`H01M 10/05`)."""

    section: str
    klass: str | None = None
    subclass: str | None = None
    group: str | None = None
    symbol: str | None = None

    @classmethod
    def parse(cls, text: str) -> IpcSymbol:
        """The symbol in `text`: `H01M 10/0525`, `H01M10/0525 (2010.01)`, `H01M0010052500`, or less of it.

        Raises `InvalidNumber`: ipc-form.
        """
        plain = _plain(text)
        if fixed := _IPC_FIXED.match(plain):
            subclass, main, sub = fixed.groups()
            plain = f"{subclass}{int(main)}/{sub.rstrip('0').ljust(2, '0')}"
        match = _IPC.match(plain)
        if match is None:
            raise InvalidNumber("ipc-form", text)
        section, two, letter, main, sub = match.groups()
        klass = section + two if two else None
        subclass = f"{klass}{letter}" if letter else None
        group = f"{subclass}{int(main)}" if main else None
        return cls(section, klass, subclass, group, f"{group}/{sub}" if sub else None)

    @property
    def canonical(self) -> str:
        """The symbol without spaces: `H01M10/0525`."""
        return self.symbol or self.group or self.subclass or self.klass or self.section

    @property
    def display(self) -> str:
        """The usual written form: `H01M 10/0525`."""
        text = self.canonical
        return f"{text[:4]} {text[4:]}" if self.group else text

    def path(self) -> tuple[str, ...]:
        """Every place above it and itself, top first: `("H", "H01", "H01M", "H01M10", "H01M10/0525")`."""
        steps = (self.section, self.klass, self.subclass, self.group, self.symbol)
        return tuple(step for step in steps if step is not None)

    def __str__(self) -> str:
        return self.canonical


@dataclass(frozen=True, slots=True)
class LocarnoSymbol:
    """A class and subclass of the Locarno Classification, which sorts designs: `09-03`."""

    klass: str
    subclass: str

    @classmethod
    def parse(cls, text: str) -> LocarnoSymbol:
        """The symbol in `text`: `09-03`, `9-3`, `LOC(12)Cl.09-03`. Raises `InvalidNumber`: locarno-form."""
        match = _LOCARNO.match(_plain(text))
        if match is None:
            raise InvalidNumber("locarno-form", text)
        klass, subclass = (part.zfill(2) for part in match.groups())
        if not 1 <= int(klass) <= _LOCARNO_CLASSES:
            raise InvalidNumber("locarno-form", text)
        return cls(klass, subclass)

    @property
    def canonical(self) -> str:
        """`09-03`."""
        return f"{self.klass}-{self.subclass}"

    @property
    def display(self) -> str:
        """The same as `canonical`."""
        return self.canonical

    def path(self) -> tuple[str, ...]:
        """Class and symbol: `("09", "09-03")`."""
        return (self.klass, self.canonical)

    def __str__(self) -> str:
        return self.canonical


def parse_classification(text: str) -> IpcSymbol | LocarnoSymbol:
    """The IPC symbol in `text`, or the Locarno symbol if it begins with a digit or `LOC`.

    Raises `InvalidNumber`: ipc-form, locarno-form.
    """
    plain = _plain(text)
    if plain[:1].isdigit() or plain.startswith("LOC"):
        return LocarnoSymbol.parse(text)
    return IpcSymbol.parse(text)
