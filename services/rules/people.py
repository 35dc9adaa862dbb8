"""The leader and the worker that a unit names: annex 4, pledge, opinion, filing (R32, R33, R57).

No account works before all four are there. Nothing here opens an account: it says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from libmatch.identifiers import Identifier, Sex
from services.rules.gaps import Missing, is_blank
from services.rules.violation import RuleViolation

CONFIDENTIALITY_PLEDGE = "本人承诺：严格遵守保密纪律，未经批准不得泄露涉权事项有关信息。"
"""The words of annex 4 below which the person signs (R33)."""

_PHOTO_BYTES = 32  # SHA-256 of the picture; the picture itself is no matter of a rule


@dataclass(frozen=True, repr=False)
class Education:
    """学历学位 and 毕业院校及专业. 无 stands for none."""

    degree: str
    school: str


@dataclass(frozen=True, repr=False)
class FamilyMember:
    """A row of 家庭主要成员及社会关系."""

    title: str
    name: str
    age: int | None
    political: str
    unit_and_post: str


@dataclass(frozen=True, repr=False)
class StaffForm:
    """Annex 4, every field (R32). Blank texts are "". Who has nothing to enter writes 无.

    ``born``: the first day of the month. ``photo``: SHA-256 of the picture, 32 bytes, or b"".
    """

    name: str
    sex: Sex | None
    born: date | None
    photo: bytes
    nation: str
    native_place: str
    birth_place: str
    joined_party: str
    started_work: str
    health: str
    identifier: Identifier | None
    phone: str
    full_time: Education
    in_service: Education
    post: str
    duties: str
    is_leader: bool | None
    is_worker: bool | None
    resume: str
    family: tuple[FamilyMember, ...]

    def __post_init__(self) -> None:
        if len(self.photo) not in (0, _PHOTO_BYTES):
            raise ValueError("photo is a digest of 32 bytes, or empty")

    def __repr__(self) -> str:
        return "<StaffForm>"


@dataclass(frozen=True, repr=False)
class ConfidentialityPledge:
    """The signature below ``CONFIDENTIALITY_PLEDGE`` (R33)."""

    signer: str
    signed_on: date | None


@dataclass(frozen=True)
class PartyOpinion:
    """呈报单位党组织意见 on annex 4. ``approves``: None while nothing is said. ``sealed``: 盖章."""

    approves: bool | None
    sealed: bool
    given_on: date | None


@dataclass(frozen=True)
class Filing:
    """That the district's discipline commission keeps the form on file (R57). ``number``: 备案号."""

    number: str
    filed_on: date | None


def missing_of_form(form: StaffForm) -> tuple[Missing, ...]:
    """What annex 4 still lacks, in the order of the form (R32); empty when it is complete."""
    return (*_blank_fields(form), *_contradictions(form), *_family_gaps(form.family))


def account_ready(
    form: StaffForm,
    pledge: ConfidentialityPledge,
    opinion: PartyOpinion,
    filing: Filing,
    on: date,
) -> tuple[Missing, ...]:
    """What stands between the person and a working account on that day (R32, R33, R57)."""
    return (
        *missing_of_form(form),
        *_pledge_gaps(form, pledge),
        *_opinion_gaps(opinion),
        *_filing_gaps(filing),
        *_disorder(pledge.signed_on, opinion.given_on, filing.filed_on, on),
    )


def require_ready(missing: Iterable[Missing]) -> None:
    """Nothing, if nothing is missing; RuleViolation R33 that lists in Chinese what is."""
    found = tuple(missing)
    if found:
        raise RuleViolation(
            "R33",
            f"the account does not work yet: {len(found)} things are missing; see the Chinese list",
            "账号尚不能启用，还缺：" + "；".join(f"{m.what_zh}（{m.cure_zh}）" for m in found),
        )


def _blank_fields(form: StaffForm) -> Iterator[Missing]:
    values: dict[str, object] = {
        "姓名": form.name,
        "性别": form.sex,
        "出生年月": form.born,
        "照片": form.photo,
        "民族": form.nation,
        "籍贯": form.native_place,
        "出生地": form.birth_place,
        "入党时间": form.joined_party,
        "参加工作时间": form.started_work,
        "健康状况": form.health,
        "身份证号码": form.identifier,
        "联系电话": form.phone,
        "全日制教育学历学位": form.full_time.degree,
        "全日制教育毕业院校及专业": form.full_time.school,
        "在职教育学历学位": form.in_service.degree,
        "在职教育毕业院校及专业": form.in_service.school,
        "现任职务": form.post,
        "分管工作": form.duties,
        "是否责任领导": form.is_leader,
        "是否工作人员": form.is_worker,
        "主要简历": form.resume,
        "家庭主要成员及社会关系": form.family,
    }
    for name, value in values.items():
        if is_blank(value):
            picture = name == "照片"
            cure = "请附照片文件" if picture else "请填写；确实没有的填“无”"
            yield Missing("R32", name, cure)


def _contradictions(form: StaffForm) -> Iterator[Missing]:
    if form.is_leader is not None and form.is_leader == form.is_worker:
        yield Missing("R30", "是否责任领导、是否工作人员", "两项中须有且只有一项填“是”")
    if form.identifier is None:
        return
    born = form.identifier.birth_date
    if form.born and born and (form.born.year, form.born.month) != (born.year, born.month):
        yield Missing("R32", "出生年月", "与身份证号码不一致，请核对")
    if form.sex and form.identifier.sex not in (None, form.sex):
        yield Missing("R32", "性别", "与身份证号码不一致，请核对")


def _family_gaps(family: tuple[FamilyMember, ...]) -> Iterator[Missing]:
    for number, member in enumerate(family, 1):
        values: dict[str, object] = {
            "称谓": member.title,
            "姓名": member.name,
            "年龄": member.age,
            "政治面貌": member.political,
            "工作单位及职务": member.unit_and_post,
        }
        for name, value in values.items():
            if is_blank(value):
                yield Missing("R32", f"家庭主要成员第{number}行的{name}", "请填写")


def _pledge_gaps(form: StaffForm, pledge: ConfidentialityPledge) -> Iterator[Missing]:
    if is_blank(pledge.signer):
        yield Missing("R33", "保密承诺书签名", "由本人签名")
    elif pledge.signer.strip() != form.name.strip():
        yield Missing("R33", "保密承诺书签名", "承诺人须为表中本人")
    if pledge.signed_on is None:
        yield Missing("R33", "保密承诺书日期", "请填写签名日期")


def _opinion_gaps(opinion: PartyOpinion) -> Iterator[Missing]:
    if not opinion.approves:
        cure = "请党组织签署" if opinion.approves is None else "党组织不同意，请另行指定人员"
        yield Missing("R33", "呈报单位党组织意见", cure)
    if not opinion.sealed:
        yield Missing("R33", "呈报单位党组织印章", "请加盖党组织印章")
    if opinion.given_on is None:
        yield Missing("R33", "呈报单位党组织意见日期", "请填写")


def _filing_gaps(filing: Filing) -> Iterator[Missing]:
    if filing.filed_on is None or is_blank(filing.number):
        yield Missing("R57", "区纪委备案", "请将盖章后的基本情况表报区纪委备案")


def _disorder(
    pledged: date | None, opined: date | None, filed: date | None, on: date
) -> Iterator[Missing]:
    """The pledge comes first, then the opinion, then the filing, and none of them after today."""
    named = (("保密承诺书", pledged), ("党组织意见", opined), ("区纪委备案", filed), ("今天", on))
    dated = [(name, day) for name, day in named if day is not None]
    for (earlier, first), (later, second) in pairwise(dated):
        if second < first:
            yield Missing("R33", f"{earlier}日期", f"不能晚于{later}，请核对")
