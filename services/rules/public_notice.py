"""Annex 3 as a value, field by field, and what it must not hold (R44).

A row that exists has passed the guard: there is no way around it but another type. Rows are made by
``fill_row``, which masks children and forgets the date of birth.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from libmatch.encoding import enc, u64
from libmatch.relations import Relation
from services.rules.publication import Place
from services.rules.ruleset import RuleSet
from services.rules.shape_guard import guard, guard_place
from services.rules.violation import RuleViolation

TITLE = "党员干部亲属涉权事项情况专项公示表"
MASK = "某某"
_MOST_CHARACTERS = 200
_SHORT_NUMBERS = ("12388", "12380", "12345")  # 纪检监察, 组织, 政务 in all of China
_LANDLINE = re.compile(r"(?:0\d{2,3}-?)?[2-8]\d{6,7}")


def is_child(born: date, on: date, rules: RuleSet) -> bool:
    """Whether somebody is under 14 on that day: full years count from the day after the birthday.

    So on the 14th birthday itself the name is still masked (R44). 29 February counts as 1 March.
    """
    year = born.year + rules.mask_below_age
    try:
        birthday = born.replace(year=year)
    except ValueError:
        birthday = date(year, 3, 1)
    return on <= birthday


def mask_child(name: str, born: date | None, posted_on: date, rules: RuleSet) -> str:
    """The name as it is posted: of a child under 14 the first character and 某某 (R44).

    The length of the rest is not told. RuleViolation R44 where the date of birth is not known.
    """
    if born is None:
        raise RuleViolation(
            "R44",
            "the date of birth is not known, so nobody can say whether the name must be masked",
            f"受益人的出生日期不详，无法判断是否未满{rules.mask_below_age}周岁，请核实补填后再公示",
        )
    name = name.strip()
    return name[:1] + MASK if is_child(born, posted_on, rules) else name


@dataclass(frozen=True, repr=False)
class RowFacts:
    """What a row of annex 3 is filled from. ``born`` decides on the mask and goes no further."""

    beneficiary: str
    born: date | None
    programme: str
    amount_fen: int | None
    place: str
    start: date
    official: str
    official_post: str
    relation: Relation
    remark: str = ""


@dataclass(frozen=True, repr=False)
class AnnexRow:
    """One row of annex 3. RuleViolation R44 for a blank field and for anything the guard refuses.

    ``amount_fen`` in 0.01 CNY, None where no public money has a sum yet. ``official_post`` is
    单位及职务; ``start`` the day on which the item begins.
    """

    beneficiary: str
    programme: str
    amount_fen: int | None
    place: str
    start: date
    official: str
    official_post: str
    relation: Relation
    remark: str = ""

    def __post_init__(self) -> None:
        _check(self.beneficiary, "受益人姓名")
        _check(self.programme, "资金（项目）名称")
        _check(self.official, "党员干部姓名")
        _check(self.official_post, "单位及职务")
        _check(self.place, "享受资金（实施项目）地点")
        guard_place(self.place, "享受资金（实施项目）地点")
        if self.remark:
            _check(self.remark, "备注")
        if self.amount_fen is not None and self.amount_fen < 0:
            raise _wrong("财政资金", "an amount is not negative", "金额不能为负数，请核对")

    @property
    def amount(self) -> str:
        """财政资金（元）, with two decimals; — where there is none."""
        if self.amount_fen is None:
            return "—"
        return f"{self.amount_fen // 100}.{self.amount_fen % 100:02d}"

    def encode(self) -> bytes:
        """The canonical encoding, part of the notice's digest."""
        amount = b"" if self.amount_fen is None else u64(self.amount_fen)
        texts = (self.beneficiary, self.programme, self.place, self.start.isoformat())
        rest = (self.official, self.official_post, self.relation, self.remark)
        return enc("annex-3-row", amount, *(text.encode() for text in (*texts, *rest)))


def fill_row(facts: RowFacts, posted_on: date, rules: RuleSet) -> AnnexRow:
    """The row as it is posted on that day, children masked. Raises RuleViolation R44."""
    return AnnexRow(
        beneficiary=mask_child(facts.beneficiary, facts.born, posted_on, rules),
        programme=facts.programme,
        amount_fen=facts.amount_fen,
        place=facts.place,
        start=facts.start,
        official=facts.official,
        official_post=facts.official_post,
        relation=facts.relation,
        remark=facts.remark,
    )


@dataclass(frozen=True)
class Hotline:
    """Who takes complaints, and the office's number: a landline or a public short number (R44)."""

    office: str
    number: str

    def __post_init__(self) -> None:
        _check(self.office, "监督举报电话（单位）")
        plain = unicodedata.normalize("NFKC", self.number)
        if plain != self.number or not (plain in _SHORT_NUMBERS or _LANDLINE.fullmatch(plain)):
            raise _wrong(
                "监督举报电话",
                "a hotline is an office's landline, such as 023-72800000, or 12388; never a mobile",
                "请填写单位的固定电话（如023-72800000）或12388，不得填写个人手机号码",
            )


@dataclass(frozen=True, repr=False)
class PublicNotice:
    """Annex 3 as posted in one place: the unit, the rows numbered from 1, and the two hotlines.

    The period is no part of it: it follows from the posting. ``hotlines``: the discipline organ's
    first, then the department's own.
    """

    notice_id: UUID
    place: Place
    unit: str
    rows: tuple[AnnexRow, ...]
    hotlines: tuple[Hotline, Hotline]

    def __post_init__(self) -> None:
        _check(self.unit, "公示单位")
        if not self.rows:
            raise _wrong("公示内容", "a notice has at least one row", "公示表没有内容")
        if len(self.hotlines) != 2:
            raise _wrong("监督举报电话", "a notice has two hotlines", "请填写两个监督举报电话")

    @property
    def digest(self) -> bytes:
        """32 bytes that bind a posting to the content: another content is another posting (R45)."""
        lines = [part.encode() for line in self.hotlines for part in (line.office, line.number)]
        head = (self.notice_id.bytes, self.place.encode(), self.unit.encode(), *lines)
        return hashlib.sha256(
            enc("public-notice", *head, *(row.encode() for row in self.rows))
        ).digest()


def _check(text: str, field_zh: str) -> None:
    if not text.strip():
        raise _wrong(field_zh, "a field of the notice is blank", "没有填写")
    if len(text) > _MOST_CHARACTERS:
        raise _wrong(field_zh, "a field is too long", f"过长（最多{_MOST_CHARACTERS}字），请改短")
    if not text.isprintable():
        raise _wrong(field_zh, "a field has invisible characters", "含有看不见的字符，请重新输入")
    guard(text, field_zh)


def _wrong(field_zh: str, message: str, message_zh: str) -> RuleViolation:
    return RuleViolation("R44", message, f"公示表“{field_zh}”：{message_zh}")
