"""What must never be published, recognised by its shape: numbers of persons and house addresses (R44).

Better a refusal too much than a number too much: a project code that looks like a telephone number
is refused as well, and the message says how to write it. Deliberate disguise (letters for digits,
numbers spread over several fields) is beyond a guard: whoever posts has to read what is posted.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from services.rules.violation import RuleViolation


class Shape(StrEnum):
    """What a text looks like; values are the words of the refusal."""

    IDENTITY = "身份证件号码"
    CREDIT_CODE = "统一社会信用代码"
    PHONE = "电话号码"
    ACCOUNT = "银行卡号或账号"
    ADDRESS = "门牌、楼栋、房号"


def guard(text: str, field_zh: str) -> None:
    """Nothing, where no part of ``text`` has any ``Shape``. RuleViolation R44 otherwise.

    ``field_zh`` names the field of annex 3; the text itself is never repeated.
    """
    _refuse(find_shape(text), field_zh)


def guard_place(text: str, field_zh: str) -> None:
    """As ``guard``, and nothing more precise than a village or group. RuleViolation R44 otherwise.

    Groups (组, 社) stay allowed: projects are located by them, and each has dozens of households.
    """
    _refuse(find_shape(text) or _if_found(_HOUSE, fold(text), Shape.ADDRESS), field_zh)


def find_shape(text: str) -> Shape | None:
    """The first shape that is found anywhere in the text; None where there is none."""
    folded = fold(text)
    whole = _SEPARATORS.sub("", folded)
    undated = _SEPARATORS.sub("", _DATES.sub(_GAP, folded))
    return (
        _if_found(_IDENTITY, whole, Shape.IDENTITY)
        or _if_found(_MASKED, folded, Shape.IDENTITY)
        or _if_found(_PAPERS, undated, Shape.IDENTITY)
        or _if_found(_CREDIT_CODE, whole, Shape.CREDIT_CODE)
        or _if_found(_CARD, whole, Shape.ACCOUNT)
        or _if_found(_MOBILE, whole, Shape.PHONE)
        or _number_shape(undated)
        or _if_found(_DWELLING, folded, Shape.ADDRESS)
    )


def _if_found(pattern: re.Pattern[str], text: str, shape: Shape) -> Shape | None:
    return shape if pattern.search(text) else None


def _number_shape(text: str) -> Shape | None:
    """The shape of the first run of digits that has one, looking at its length and beginning."""
    for run in re.finditer(r"[0-9]+", text):
        digits, measured = run[0], bool(_UNIT.match(text, run.end()))
        if len(digits) >= 12:
            return Shape.IDENTITY if len(digits) in (15, 18) else Shape.ACCOUNT
        if not measured and any(form.fullmatch(digits) for form in _PHONES):
            return Shape.PHONE
    return None


def _refuse(shape: Shape | None, field_zh: str) -> None:
    if shape is None:
        return
    raise RuleViolation(
        "R44",
        f"a field of the public notice contains something shaped like {_ENGLISH[shape]}; leave it out",
        f"“{field_zh}”中含有形似{shape}的内容，不得公示：{_CURES.get(shape, _CURE)}",
    )


_ENGLISH = {
    Shape.IDENTITY: "an identity number",
    Shape.CREDIT_CODE: "a credit code",
    Shape.PHONE: "a telephone number",
    Shape.ACCOUNT: "a bank card or account number",
    Shape.ADDRESS: "a house address",
}
_CURE = "请删去；确是项目编号、文号的，也请省略或改用项目名称"
_CURES = {Shape.ADDRESS: "地点最多写到村（社区）、组，请删去更详细的住址"}


# --- folding ------------------------------------------------------------------------------------

_GAP = "※"  # neither letter nor digit nor separator: what stood there joins nothing
_UNSEEN = ("Cc", "Cf", "Mn", "Me")
_TABLE = str.maketrans("〇○零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺", "0001234567891234567891")
# Typed for the X at the end of an identity number, as libmatch.identifiers reads them.
_TABLE |= str.maketrans("ХΧ×", "XXX")


def fold(text: str) -> str:
    """The text with each digit of any script as 0 to 9, in capitals, and without what nobody sees.

    Full-width and circled digits and Chinese numerals (一, 壹, 〇, 幺) are digits too.
    """
    folded = unicodedata.normalize("NFKC", text).upper().translate(_TABLE)
    return "".join(_ascii_digit(c) for c in folded if not _is_unseen(c))


def _ascii_digit(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def _is_unseen(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) in _UNSEEN


# What people write between the digits of one number. Not 、 and ; which part items of a list.
_SEPARATORS = re.compile(r"(?<=[0-9A-Z])[\s\-‐‑‒–—―−~_.·•・,，/\\()|'\"“”]+(?=[0-9A-Z])")


# --- shapes -------------------------------------------------------------------------------------

_YEAR, _MONTH, _DAY = r"(?:19|20)\d{2}", r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12]\d|0?[1-9])"
# Dates, spans of years and numbers led by a year (2018-0034) would look like telephone numbers.
# An identity number with a date set apart inside it is found before they are taken out.
_DATES = re.compile(
    rf"(?<!\d){_YEAR}\s*[-/.年]\s*{_MONTH}\s*(?:[-/.月]\s*{_DAY}\s*日?)?(?!\d)"
    rf"|(?<!\d){_YEAR}\s*[-~—–至]\s*{_YEAR}(?!\d)"
    rf"|(?<!\d)(?<!\d[-./\s]){_YEAR}\s*[-/.]?\s*\d{{3,4}}(?![-./\s]*\d)"
)
_BIRTH = r"(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_IDENTITY = re.compile(rf"\d{{6}}{_BIRTH}\d{{3}}[0-9X]|[A-Z]{{3}}\d{{12}}|\d{{17}}X")
_MASKED = re.compile(r"\d{3,}\s*[*＊●■]{3,}\s*[0-9X]{1,}")
# Passports and travel permits, as libmatch.identifiers recognises them.
_PAPERS = re.compile(r"(?<![0-9A-Z])(?:[A-Z]\d{6,8}|[A-Z]{2}\d{6,7}|[HM]\d{10})(?![0-9A-Z])")
_CREDIT_CODE = re.compile(r"(?<![0-9A-Z])(?=\d*[A-Z])[0-9A-Z]{2}\d{6}[0-9A-Z]{10}(?![0-9A-Z])")
# Found before dates are taken out: one may stand inside by chance. No date of ours begins like them.
_CARD = re.compile(r"(?<!\d)[3-6]\d{15,18}(?!\d)")
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_PHONES = (
    _MOBILE,  # with 86 before it, it is longer than any other number
    re.compile(r"0\d{2,3}[2-8]\d{6,7}"),  # landline with its area
    re.compile(r"[48]00\d{7}"),
    re.compile(r"[2-8]\d{6,7}"),  # landline alone: 8 digits in Chongqing, 7 elsewhere
)
_UNIT = re.compile(
    r"\s*(?:元|万|亿|亩|平方|立方|米|公里|千米|吨|公斤|斤|株|头|只|羽|尾|户|人|KG|KM|M2|M|%)"
)
_DWELLING = re.compile(
    r"\d\s*号楼|\d\s*单元|\d\s*(?:栋|幢|座)\s*\d|门牌"
    r"|(?:路|街|巷|弄|大道|小区|花园|苑)\s*\d+\s*(?:-\s*\d+\s*)*号"
    r"|号\s*附\s*\d"
)
# In a place any house number tells; works that are numbered (3号桥, 2号山坪塘) are no houses.
_WORKS = "桥|水库|塘|堰|渠|闸|井|泵|站|路|道|线|隧|涵|沟|坝|点|标|地块|矿|洞|池|管|机|棚|厂|牌"
_HOUSE = re.compile(
    rf"\d\s*号(?!\s*(?:山坪|{_WORKS}))|\d\s*(?:栋|幢|座|室|楼|层)|\d+\s*-\s*\d+\s*-\s*\d+"
)
