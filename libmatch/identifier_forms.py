"""How a text is folded and read as an identifier of each kind (docs/spec/identifiers.md, 3 to 6).

Works on texts and codes alone and raises nothing; ``libmatch.identifiers`` makes the types and the
errors of it, and is what everyone else imports.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from enum import IntEnum

from libmatch.check_digits import (
    MOD_31_3_ALPHABET,
    credit_code_check,
    organisation_check,
    resident_check,
    travel_document_check,
)
from libmatch.refusals import Refusal


class Kind(IntEnum):
    """The kinds of identifiers. The value goes into tokens: different kinds never collide."""

    RESIDENT_ID = 1  # 公民身份号码, also of 港澳台居民居住证
    FOREIGN_PERMANENT_RESIDENT = 2  # 外国人永久居留身份证
    PASSPORT = 3  # 护照
    CREDIT_CODE = 4  # 统一社会信用代码


IDN_LENGTH = 18  # no normalised identifier is longer
TEXT_LIMIT = 256  # a cell longer than this holds no identifier; NFKC could multiply it by 18

# GB/T 2260 province codes. 81, 82 and 83 begin the 港澳台居民居住证 (issued since 2018).
# fmt: off
PROVINCES = frozenset((
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37",
    "41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64",
    "65", "71",
))
# fmt: on
RESIDENT_PROVINCES = PROVINCES | {"81", "82", "83"}

_RESIDENT_18 = re.compile(r"[0-9]{17}[0-9X]")
_RESIDENT_15 = re.compile(r"[0-9]{15}")
_FOREIGN_18 = re.compile(r"9[0-9]{16}[0-9X]")
_FOREIGN_15 = re.compile(r"[A-Z]{3}[0-9]{12}")
_PASSPORT = re.compile(r"(?=.*[0-9])[0-9A-Z]{5,9}")
# What a passport may look like where nobody said that it is one: a letter or two, then digits.
_PASSPORT_PLAIN = re.compile(r"[A-Z][0-9]{6,8}|[A-Z]{2}[0-9]{6,7}")
# 来往内地通行证: 8 digits for life, then two that count renewals.
_TRAVEL_PERMIT = re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?")
_CREDIT_CODE = re.compile(rf"[{MOD_31_3_ALPHABET}]{{2}}[0-9]{{6}}[{MOD_31_3_ALPHABET}]{{10}}")
_NORMAL_FORMS: dict[Kind, tuple[re.Pattern[str], ...]] = {
    Kind.RESIDENT_ID: (_RESIDENT_18,),
    Kind.FOREIGN_PERMANENT_RESIDENT: (_FOREIGN_18, _FOREIGN_15),
    Kind.PASSPORT: (_PASSPORT,),
    Kind.CREDIT_CODE: (_CREDIT_CODE,),
}


def has_normal_form(kind: Kind, idn: str) -> bool:
    """Whether ``idn`` has the length and characters of a normalised identifier of ``kind``."""
    return any(form.fullmatch(idn) for form in _NORMAL_FORMS[kind])


# --- section 3: normalisation -------------------------------------------------------------------

_QUOTES = "'\"‘’‛“”„`′="  # Excel's text marks ' and ="…" among them: no identifier holds any
_FLOAT = re.compile(
    r"[+-]?[0-9]+\.[0-9]*E[+-]?[0-9]+|[+-]?[0-9]+E[+-][0-9]+|"  # 5.10E+17, 5E+17
    r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?|[+-]?[0-9]+\.[0-9]*"  # 500,102,…  500102….0
)
_WHOLE_15 = re.compile(r"([0-9]{15})\.0+")  # 15 digits are exact in a float: nothing is lost
_UPPER = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}  # ASCII only
# Typed for the X at the end, Cyrillic, Greek and ×; NFKC folds Ⅹ and full-width Ｘ by itself.
# ① ¹ № and their like: NFKC would make digits and letters of them that nobody meant.
_NOT_TYPED = ("No", "So")
_LOOKS_LIKE_X = frozenset("ХхΧχ×")


def visible(text: str) -> str:
    """The text without white space, controls, zero-width characters and byte order marks."""
    shown = (c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf"))
    return "".join(shown)


def normalise(text: str) -> tuple[Refusal, str]:
    """The text in ASCII digits and capital letters (at least one), or why not and ``""``."""
    if len(text) <= TEXT_LIMIT and text.isascii() and text.isalnum():
        return Refusal.NONE, text.upper()
    text = text.strip()
    if len(text) > TEXT_LIMIT:
        return Refusal.LENGTH, ""
    if any(unicodedata.category(c) in _NOT_TYPED for c in text):
        return Refusal.CHARACTERS, ""
    folded = visible(unicodedata.normalize("NFKC", text)).translate(_UPPER).strip(_QUOTES)
    if whole := _WHOLE_15.fullmatch(folded):
        return Refusal.NONE, whole[1]
    if _FLOAT.fullmatch(folded):
        return Refusal.FLOAT_TEXT, ""
    folded = "".join(c for c in folded if unicodedata.category(c) != "Pd" and c != "−")
    if len(folded) == IDN_LENGTH and folded[-1] in _LOOKS_LIKE_X:
        folded = folded[:-1] + "X"
    if not folded:
        return Refusal.EMPTY, ""
    if not (folded.isascii() and folded.isalnum()):
        return Refusal.MASKED if "*" in folded else Refusal.CHARACTERS, ""
    return Refusal.NONE, folded


# --- section 4: dates ---------------------------------------------------------------------------

OLDEST = 150_0000  # 150 years as a difference of dates written YYYYMMDD: nobody has lived so long
CENTURY = 100_0000
MONTH_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def ymd_of(day: date) -> int:
    """The date as the number YYYYMMDD."""
    return day.year * 10000 + day.month * 100 + day.day


def is_date(ymd: int) -> bool:
    """Whether YYYYMMDD is a day of the Gregorian calendar, in the year 1 or later."""
    year, month, day = ymd // 10000, ymd // 100 % 100, ymd % 100
    if not (year and 1 <= month <= 12):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= MONTH_DAYS[month] + (month == 2 and leap)


def _judge_birth(ymd: int, today: int) -> Refusal:
    if not is_date(ymd):
        return Refusal.BIRTH_DATE
    if ymd > today:
        return Refusal.BIRTH_IN_FUTURE
    return Refusal.BIRTH_TOO_OLD if ymd < today - OLDEST else Refusal.NONE


# --- section 5: reading each kind ---------------------------------------------------------------

Reading = tuple[Refusal, str]  # the refusal and "", or NONE and the idn


def _read_resident(text: str, today: int) -> Reading:
    if len(text) not in (15, IDN_LENGTH):
        return Refusal.LENGTH, ""
    if len(text) == 15:
        return (
            _upgrade(text, today) if _RESIDENT_15.fullmatch(text) else (Refusal.LETTER_INSIDE, "")
        )
    if not _RESIDENT_18.fullmatch(text):
        return Refusal.LETTER_INSIDE, ""
    if text[:2] not in RESIDENT_PROVINCES:
        return Refusal.REGION, ""
    return _judge_dated(text, today)


def _judge_dated(text: str, today: int) -> Reading:
    """Birth date at 7 to 14 and MOD 11-2 at 18: common to the two 18-digit persons' numbers."""
    if birth := _judge_birth(int(text[6:14]), today):
        return birth, ""
    if text[17] != resident_check(text[:17]):
        return Refusal.FLOAT_ZEROS if text.endswith("000") else Refusal.CHECK_DIGIT, ""
    return Refusal.NONE, text


def _upgrade(text: str, today: int) -> Reading:
    """15 to 18 digits: the century, then the check digit (section 5.2)."""
    if text[:2] not in PROVINCES:
        return Refusal.REGION, ""
    if _judge_birth(int(text[6:14]), today) is Refusal.NONE:
        return Refusal.TRUNCATED, ""
    # GB 11643-1989 kept 996 to 999 for centenarians: born before 1900.
    old = int(text[12:15]) >= 996
    body = f"{text[:6]}{18 if old else 19}{text[6:]}"
    birth = _judge_birth(int(body[6:14]), today)
    if birth:
        return Refusal.CENTENARIAN if old and birth is Refusal.BIRTH_TOO_OLD else birth, ""
    return Refusal.NONE, body + resident_check(body)


def _read_foreign(text: str, today: int) -> Reading:
    if len(text) not in (15, IDN_LENGTH):
        return Refusal.LENGTH, ""
    if len(text) == 15:
        return _read_foreign_15(text, today)
    if not _FOREIGN_18.fullmatch(text):
        return Refusal.LETTER_INSIDE if text[0] == "9" else Refusal.NOT_FOREIGN, ""
    if text[1:3] not in PROVINCES:
        return Refusal.REGION, ""
    return _judge_dated(text, today)


def _read_foreign_15(text: str, today: int) -> Reading:
    if not _FOREIGN_15.fullmatch(text):
        return Refusal.NOT_FOREIGN, ""
    if text[3:5] not in PROVINCES:
        return Refusal.REGION, ""
    born = int(text[7:13])  # YYMMDD: one of the two centuries must do
    births = [_judge_birth(century * CENTURY + born, today) for century in (19, 20)]
    if Refusal.NONE not in births:
        return max(births), ""  # a real date in the future rather than no date at all
    if text[14] != travel_document_check(text[:14]):
        return Refusal.CHECK_DIGIT, ""
    return Refusal.NONE, text


def _read_passport(text: str, _today: int) -> Reading:
    return (Refusal.NONE, text) if _PASSPORT.fullmatch(text) else (Refusal.PASSPORT_LENGTH, "")


def _read_credit_code(text: str, _today: int) -> Reading:
    if len(text) != IDN_LENGTH:
        return Refusal.LENGTH, ""
    if not _CREDIT_CODE.fullmatch(text):
        return Refusal.CREDIT_CHARACTERS, ""
    if text[17] != credit_code_check(text[:17]):
        return Refusal.CREDIT_CHECK, ""
    if text[16] != organisation_check(text[8:16]):
        return Refusal.ORGANISATION_CHECK, ""
    return Refusal.NONE, text


_READERS: dict[Kind, Callable[[str, int], Reading]] = {
    Kind.RESIDENT_ID: _read_resident,
    Kind.FOREIGN_PERMANENT_RESIDENT: _read_foreign,
    Kind.PASSPORT: _read_passport,
    Kind.CREDIT_CODE: _read_credit_code,
}


# --- section 6: which kind ----------------------------------------------------------------------


def read(text: str, today: int, kind: Kind | None) -> tuple[Refusal, Kind | None, str]:
    """NONE with the kind and the idn, or the refusal with None and ``""``.

    ``today`` is YYYYMMDD. Without ``kind`` the form decides, and what could be two is AMBIGUOUS.
    """
    refusal, normal = normalise(text)
    if refusal:
        return refusal, None, ""
    found = _detect(normal) if kind is None else kind
    if isinstance(found, Refusal):
        return found, None, ""
    refusal, idn = _READERS[found](normal, today)
    if kind is None:
        refusal = _doubt(normal, today, found, refusal)
    elif refusal and _is_other_kind(normal, today, kind):
        refusal = Refusal.OTHER_KIND
    return (refusal, None, "") if refusal else (refusal, found, idn)


_CENTURIES = ("18", "19", "20")  # of a birth date at 7 to 14


def _detect(text: str) -> Kind | Refusal:
    """The one kind whose form the text has, or why there is none."""
    if len(text) == IDN_LENGTH:
        return _detect_18(text)
    if len(text) == 15:
        letters = text[:3].isalpha()
        return Kind.FOREIGN_PERMANENT_RESIDENT if letters else Kind.RESIDENT_ID
    if _TRAVEL_PERMIT.fullmatch(text):
        return Refusal.TRAVEL_PERMIT
    if _PASSPORT_PLAIN.fullmatch(text) and not _may_be_mistyped(text):
        return Kind.PASSPORT
    return Refusal.STATE_KIND if _PASSPORT.fullmatch(text) else Refusal.LENGTH


def _may_be_mistyped(text: str) -> bool:
    """Whether a plain passport number may be something else: EO… and EI… for E0… and E1…, №…, or MA….

    MA begins the organisation codes of 9 characters that are part of a credit code.
    """
    organisation = text[:2] == "MA" and len(text) == 9 and organisation_check(text[:8]) == text[8]
    return text[1] in "IO" or organisation


def _detect_18(text: str) -> Kind:
    """A person's number where it could be one with one wrong character, else a credit code."""
    body = text[:17]
    if body[0].isalpha() and body[1:].isdigit() and body[6:8] in _CENTURIES:
        return Kind.RESIDENT_ID  # with a letter typed for its first digit, which ``_doubt`` weighs
    if body[0].isalpha() or sum(c.isalpha() for c in body) > 1:
        return Kind.CREDIT_CODE
    if body[0] != "9":
        return Kind.RESIDENT_ID
    # Enterprises' codes begin with 9 too: there the century at 7 and 8 marks the person.
    person = body[6:8] in _CENTURIES
    return Kind.FOREIGN_PERMANENT_RESIDENT if person else Kind.CREDIT_CODE


def _doubt(text: str, today: int, found: Kind, refusal: Refusal) -> Refusal:
    """AMBIGUOUS for what was read as a person's number but is a valid credit code too.

    A valid resident id stays one: one in 341 satisfies the credit code's two check characters by
    chance, while a credit code that is a valid resident id is next to impossible.
    """
    if found is Kind.PASSPORT or len(text) != IDN_LENGTH:
        return refusal
    if found is Kind.CREDIT_CODE:
        halves = _PASSPORT_PLAIN.fullmatch(text[:9]) and _PASSPORT_PLAIN.fullmatch(text[9:])
        return Refusal.AMBIGUOUS if halves and refusal is Refusal.NONE else refusal
    if found is Kind.RESIDENT_ID and refusal is Refusal.NONE:
        return refusal
    if _read_credit_code(text, today)[0] is Refusal.NONE:
        return Refusal.AMBIGUOUS
    nine = found is Kind.FOREIGN_PERMANENT_RESIDENT and refusal is not Refusal.NONE
    return Refusal.NEITHER if nine else refusal


def _is_other_kind(text: str, today: int, stated: Kind) -> bool:
    if stated is not Kind.PASSPORT and _PASSPORT_PLAIN.fullmatch(text):
        return True
    others = (k for k in Kind if k not in (stated, Kind.PASSPORT))
    return any(_READERS[k](text, today)[0] is Refusal.NONE for k in others)
