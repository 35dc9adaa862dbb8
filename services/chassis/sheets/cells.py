"""One cell -> text, date or amount of money. Says nothing about what a column means."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from services.chassis.sheets.workbook import Cell

LOSSLESS_BELOW = 10**15
"""A spreadsheet keeps 15 digits of a number; from here on digits may be lost without a trace."""

_MOST_CHARACTERS = 64  # of a date or an amount; keeps the patterns below from long searches
_FIRST_YEAR, _LAST_YEAR = 1949, 2100
_SERIAL_ZERO = date(1899, 12, 30)  # day 0 of a spreadsheet that counts 1900-02-29
# Serial numbers from 1990 to 2100; lower ones are rather a year and month run together (20183).
_SERIALS = (32_874, 73_415)
_SPACES = re.compile(r"\s+")
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


def text_of(cell: Cell) -> str:
    """The cell as one clean line; "" for an empty one. Numbers beyond 15 digits show an exponent,
    so that nobody takes the invented digits for real ones."""
    if type(cell) is str:
        return cell.strip() if _is_clean(cell) else clean_text(cell)
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        return _number_text(cell)
    if isinstance(cell, datetime) and cell.time() == datetime.min.time():
        return cell.date().isoformat()
    return str(cell)


def _is_clean(text: str) -> bool:
    return text.isprintable() and "  " not in text


def clean_text(text: str) -> str:
    """The text without invisible characters; line breaks inside go, other white space becomes one space."""
    lines = _UNSEEN.sub("", text).splitlines()
    return _SPACES.sub(" ", "".join(line.strip() for line in lines)).strip()


def fold_width(text: str) -> str:
    """The text with full-width digits, letters and punctuation made half-width (NFKC)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _number_text(number: int | float) -> str:
    if not math.isfinite(number):
        return "#NUM!"
    if abs(number) >= LOSSLESS_BELOW:
        return f"{number:.14E}"
    return str(int(number)) if number == int(number) else f"{number:.15g}"


class CellError(ValueError):
    """A cell that cannot be understood: ``what`` is wrong and the ``cure``, both Chinese."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__("a cell cannot be understood")
        self.what = what
        self.cure = cure


_BAD_DATE = ("不是能识别的日期", "请写成“2018-03-05”或“2018年3月5日”")
_DATE = re.compile(
    r"(?P<y>\d{4})\s*(?:[-/.年]\s*(?:(?P<m>\d{1,2})\s*(?:月|[-/.]|$)\s*(?:(?P<d>\d{1,2})\s*[日号]?)?)?)?"
)
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})?")
_CLOCK = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?$")
_UNTIL = re.compile(r"\s*(?:至|到|起|—+|-{2,}|–|~)\s*")


def parse_date(cell: Cell) -> date | None:
    """The day, the first one of a month or year given alone, or of a span; None for an empty cell.

    Takes dates, serial numbers, 2018年3月5日, 2018.3, 2018/03/05, 201803, 20180305. Raises CellError.
    """
    if isinstance(cell, datetime):
        return _checked(cell.date())
    if isinstance(cell, date):
        return _checked(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _date_of_number(cell)
    text = fold_width(text_of(cell))
    if len(text) > _MOST_CHARACTERS:
        raise CellError(*_BAD_DATE)
    return _date_of_text(text) if text else None


def _checked(day: date) -> date:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise CellError("日期的年份不合理", "请核对年份，写成“2018-03-05”的样子")
    return day


def _date_of_number(number: float) -> date:
    if not math.isfinite(number):
        raise CellError(*_BAD_DATE)
    whole = int(number)
    if number == whole or _SERIALS[0] <= whole <= _SERIALS[1]:  # the latter with a time of day
        return _date_of_text(str(whole))
    return _date_of_year_point_month(number)


def _date_of_year_point_month(number: float) -> date:
    text = f"{number:.15g}"
    if text.endswith(".1"):
        raise CellError(
            "日期写成了数字，无法分辨是1月还是10月",
            "请把该列设为“文本”格式，重新写成“2018-01”或“2018-10”",
        )
    return _date_of_text(text)


def _date_of_text(text: str) -> date:
    text = _CLOCK.sub("", text)
    if len(text) == 5 and text.isdecimal() and _SERIALS[0] <= int(text) <= _SERIALS[1]:
        return _SERIAL_ZERO + timedelta(days=int(text))
    match = _COMPACT_DATE.fullmatch(text) or _DATE.fullmatch(text)
    if match:
        year, month, day = (int(part) if part else 1 for part in match.groups())
        return _day(year, month, day)
    first, *rest = _UNTIL.split(text, maxsplit=1)
    if rest and first != text and first:
        return _date_of_text(first)
    raise CellError(*_BAD_DATE)


def _day(year: int, month: int, day: int) -> date:
    try:
        return _checked(date(year, month, day))
    except ValueError as error:
        if isinstance(error, CellError):
            raise
        raise CellError("日历上没有这一天", "请核对月和日") from None


_MONEY = re.compile(
    r"[¥￥]?(?P<number>[+-]?[\d,]*\.?\d+|[+-]?[\d,]+\.)(?P<unit>元|万元|千元|万|亿元)?整?"
)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?|[+-]?[\d.]+")
UNITS = {"": 1, "元": 1, "千元": 1_000, "万": 10_000, "万元": 10_000, "亿元": 100_000_000}
"""The units of money that are understood, in CNY."""

_MOST = Decimal(10) ** 12  # CNY; more than a district spends in a thousand years
_NOISE = Decimal("0.000001")  # what binary fractions leave behind, in CNY


def parse_fen(cell: Cell, unit: str = "元") -> int | None:
    """The amount in 0.01 CNY, never negative; None for an empty cell. Raises CellError.

    ``unit`` (a key of UNITS) is the heading's; a unit in the cell itself goes before it.
    """
    if isinstance(cell, bool | date) or not isinstance(cell, str | int | float):
        raise CellError("不是金额", "请填写数字，例如“1200.50”")
    number, own_unit = _money(cell)
    if number is None:
        return None
    fen = number * UNITS[own_unit or unit] * 100
    if fen < 0:
        raise CellError("金额是负数", "请填写实际金额；退回或扣减的款项不要列入本表")
    if fen > _MOST * 100:
        raise CellError("金额过大", "请核对金额和单位（元、万元）")
    whole = fen.quantize(Decimal(1))
    if abs(fen - whole) > _NOISE * 100:
        raise CellError("金额的小数超过两位（不足一分）", "请把金额四舍五入到分")
    return int(whole)


def _money(cell: str | int | float) -> tuple[Decimal | None, str]:
    if not isinstance(cell, str):
        if not math.isfinite(cell):
            raise CellError("不是金额", "请填写数字，例如“1200.50”")
        return Decimal(f"{cell:.15g}"), ""
    text = fold_width(clean_text(cell)).replace(" ", "")
    if not text:
        return None, ""
    match = _MONEY.fullmatch(text) if len(text) <= _MOST_CHARACTERS else None
    if not match or not _GROUPED.fullmatch(match["number"]):
        raise CellError("不是能识别的金额", "请只填写数字，例如“1200.50”，不要写文字或算式")
    try:
        return Decimal(match["number"].replace(",", "")), match["unit"] or ""
    except InvalidOperation:
        raise CellError("不是能识别的金额", "请只填写数字，例如“1200.50”") from None
