"""What a declaration says: annex 2's fields, the closed relations, the pledge (R14 to R19)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from libmatch.identifiers import Identifier, Sex
from libmatch.relations import Relation, requires_remark
from services.rules.gaps import Missing, is_blank
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

TRUTH_PLEDGE = (
    "本人承诺：对亲属情况进行如实报告。若未如实报告或者故意隐瞒相关情况，本人愿承担相应责任。"
)
"""The words of annex 2 below which the official signs (R19)."""


@dataclass(frozen=True, repr=False)
class Reporter:
    """The official with the fields of R17. Blank texts are "". ``discipline``: 是否纪检干部."""

    identifier: Identifier
    name: str
    sex: Sex | None
    political: str
    unit: str
    post: str
    rank: str
    work: str
    discipline: bool | None
    household: str
    phone: str

    def __repr__(self) -> str:
        return "<Reporter>"


@dataclass(frozen=True)
class UnknownId:
    """That a relative's identifier is not known: why, and until when it must be (R18)."""

    reason: str
    due_on: date

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise RuleViolation(
                "R18",
                "a relative without an identifier has a reason; state it",
                "亲属证件号码不详的，须写明原因",
            )


@dataclass(frozen=True, repr=False)
class Relative:
    """A declared relative with the fields of R18: with an identifier, or ``unknown`` saying why not.

    RuleViolation R15, R16 or R18 for what no declaration can say. An exempt official (R6) is a
    relative like any other.
    """

    identifier: Identifier | None
    name: str
    sex: Sex | None
    relation: Relation
    political: str
    unit: str
    post: str
    phone: str
    household: str
    remark: str
    unknown: UnknownId | None = None

    def __post_init__(self) -> None:
        if self.relation is Relation.SELF:
            raise RuleViolation(
                "R16",
                "the official is not a relative of himself; he is matched without being listed",
                "报告人本人不在亲属栏填写（本人自动参加比对）",
            )
        if not self.name.strip():
            raise RuleViolation("R18", "a relative has a name", "亲属姓名没有填写")
        if (self.identifier is None) == (self.unknown is None):
            raise RuleViolation(
                "R18",
                "a relative has an identifier, or a reason why it is not known and a due date",
                "亲属须填写证件号码；号码不详的，写明原因并按期补报（二者只居其一）",
            )

    def __repr__(self) -> str:
        return f"<Relative {self.relation.name}>"


@dataclass(frozen=True, repr=False)
class Declaration:
    """An official with all relatives. RuleViolation R15 or R18 where they exclude each other."""

    reporter: Reporter
    relatives: tuple[Relative, ...]

    def __post_init__(self) -> None:
        known = [r.identifier for r in self.relatives if r.identifier is not None]
        if len(set(known)) != len(known):
            raise RuleViolation(
                "R18",
                "a relative is listed twice; keep the row with the right relation",
                "同一亲属重复填写，请只保留亲属关系正确的一行",
            )
        if self.reporter.identifier in known:
            raise RuleViolation(
                "R18",
                "a relative has the official's own identifier; correct it",
                "亲属的证件号码与报告人本人的相同，请核对",
            )
        if Counter(r.relation for r in self.relatives)[Relation.SPOUSE] > 1:
            raise RuleViolation(
                "R15",
                "more than one spouse; former spouses are out of scope",
                "配偶只能填写一人，原配偶不在申报范围内",
            )

    def __repr__(self) -> str:
        return f"<Declaration with {len(self.relatives)} relatives>"


@dataclass(frozen=True, repr=False)
class TruthPledge:
    """The signature below ``TRUTH_PLEDGE`` (R19): the name as signed, and the date."""

    signer: str
    signed_on: date | None


def unknown_id(reason: str, since: date, rules: RuleSet) -> UnknownId:
    """The status of a relative whose identifier is not known on ``since`` (R18)."""
    return UnknownId(reason, since + timedelta(days=rules.unknown_id_days))


def overdue_ids(declaration: Declaration, on: date) -> tuple[int, ...]:
    """Positions, from 0, of relatives whose identifier should be known by now (R18)."""
    return tuple(
        position
        for position, relative in enumerate(declaration.relatives)
        if relative.unknown is not None and relative.unknown.due_on < on
    )


def persons_to_match(
    declaration: Declaration, rules: RuleSet
) -> tuple[tuple[Identifier, Relation], ...]:
    """Who is matched: relatives with an identifier (R18: never by name), and the official (R16)."""
    relatives = tuple((r.identifier, r.relation) for r in declaration.relatives if r.identifier)
    if not rules.match_officials_themselves:
        return relatives
    return ((declaration.reporter.identifier, Relation.SELF), *relatives)


def missing_of(declaration: Declaration) -> tuple[Missing, ...]:
    """What annex 2 still lacks, in the order of the form (R17, R18); empty when it is complete.

    Who has no post, unit or phone writes 无; only 备注 may stay blank, except with 其他….
    """
    gaps = list(_reporter_gaps(declaration.reporter))
    for number, relative in enumerate(declaration.relatives, 1):
        gaps.extend(_relative_gaps(number, relative))
    return tuple(gaps)


def require_complete(declaration: Declaration) -> None:
    """Nothing, if annex 2 is complete; RuleViolation R17 or R18 that lists in Chinese what is not."""
    gaps = missing_of(declaration)
    if gaps:
        raise RuleViolation(
            gaps[0].rule,
            f"the form is not complete: {len(gaps)} fields are missing; see the Chinese list",
            "报告表没有填写完整：" + "；".join(f"{gap.what_zh}（{gap.cure_zh}）" for gap in gaps),
        )


def require_pledge(pledge: TruthPledge, reporter: Reporter, on: date) -> date:
    """The day of the pledge, if the official signed and dated it (R19). RuleViolation otherwise."""
    signer = "".join(pledge.signer.split())
    if not signer or pledge.signed_on is None:
        raise RuleViolation(
            "R19",
            "the truth pledge is not signed and dated; the official does both",
            "本人承诺须由报告人签名并注明日期，否则不能继续",
        )
    if signer != "".join(reporter.name.split()):
        raise RuleViolation(
            "R19",
            "the pledge is signed by somebody else; the official signs it in person",
            "承诺人签字不是报告人本人，须由本人签名",
        )
    if pledge.signed_on > on:
        raise RuleViolation(
            "R19", "the pledge is dated in the future; correct it", "承诺日期晚于今天，请核对"
        )
    return pledge.signed_on


def _reporter_gaps(reporter: Reporter) -> Iterator[Missing]:
    values: dict[str, object] = {
        "姓名": reporter.name,
        "性别": reporter.sex,
        "政治面貌": reporter.political,
        "单位": reporter.unit,
        "职务": reporter.post,
        "职级": reporter.rank,
        "具体工作": reporter.work,
        "是否纪检干部": reporter.discipline,
        "户籍地址": reporter.household,
        "手机号码": reporter.phone,
    }
    cures = {"具体工作": "须反映从事的全部工作", "是否纪检干部": "填“是”或“否”"}
    for name, value in values.items():
        if is_blank(value):
            yield Missing("R17", f"报告人的{name}", cures.get(name, "请填写"))


def _relative_gaps(number: int, relative: Relative) -> Iterator[Missing]:
    values: dict[str, object] = {
        "性别": relative.sex,
        "政治面貌": relative.political,
        "单位": relative.unit,
        "职务": relative.post,
        "手机号码": relative.phone,
        "户籍地址": relative.household,
    }
    for name, value in values.items():
        if is_blank(value):
            yield Missing("R18", f"第{number}名亲属的{name}", "请填写；确实没有的填“无”")
    if requires_remark(relative.relation) and is_blank(relative.remark):
        yield Missing("R15", f"第{number}名亲属的备注", "请说明法定扶养、赡养关系")
