"""Annex 4 as a protobuf message and back (R32)."""

from __future__ import annotations

from datetime import date

from libmatch.errors import InputError
from libmatch.identifiers import Sex, parse_identifier
from libmatch.stubs.accounts.v1 import accounts_pb2 as pb
from services.rules.people import Education, FamilyMember, StaffForm

_TEXTS = (
    *("name", "nation", "native_place", "birth_place", "joined_party", "started_work"),
    *("health", "phone", "post", "duties", "resume"),
)
_LONGEST = {"resume": 4000}
_LONG = 200
_FAMILY = 60


def pb_to_form(form: pb.StaffForm, today: date) -> StaffForm:
    """The form; what is blank stays blank. Raises InputError naming the field that cannot be read."""
    if len(form.photo_digest) not in (0, 32):
        raise InputError("photo_digest has 32 bytes", "照片摘要不正确，请重新填写照片文件")
    if len(form.family) > _FAMILY:
        raise InputError("too many rows of family", f"家庭主要成员最多{_FAMILY}行")
    texts = {name: _text(getattr(form, name), _LONGEST.get(name, _LONG)) for name in _TEXTS}
    number = form.identifier.strip()
    return StaffForm(
        **texts,
        sex=_sex(form.sex),
        born=_month(form.born),
        photo=form.photo_digest,
        identifier=parse_identifier(number, today=today) if number else None,
        full_time=_education(form.full_time),
        in_service=_education(form.in_service),
        is_leader=form.is_leader if form.HasField("is_leader") else None,
        is_worker=form.is_worker if form.HasField("is_worker") else None,
        family=tuple(map(_member, form.family)),
    )


def form_to_pb(form: StaffForm) -> pb.StaffForm:
    """The message that ``pb_to_form`` reads as this form."""
    return pb.StaffForm(
        **{name: getattr(form, name) for name in _TEXTS},
        sex=form.sex.value if form.sex else "",
        born=f"{form.born:%Y-%m}" if form.born else "",
        photo_digest=form.photo,
        identifier=form.identifier.idn if form.identifier else "",
        full_time=pb.Education(degree=form.full_time.degree, school=form.full_time.school),
        in_service=pb.Education(degree=form.in_service.degree, school=form.in_service.school),
        is_leader=form.is_leader,
        is_worker=form.is_worker,
        family=(
            pb.FamilyMember(
                title=row.title,
                name=row.name,
                age=row.age,
                political=row.political,
                unit_and_post=row.unit_and_post,
            )
            for row in form.family
        ),
    )


def parse_day(text: str) -> date:
    """The day of an ISO date. Raises InputError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("not an ISO date", "日期应写成 2026-01-31 的形式") from None


def _month(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise InputError("not a year and a month", "出生年月应写成 1980-07 的形式") from None


def _sex(text: str) -> Sex | None:
    if not text:
        return None
    try:
        return Sex(text)
    except ValueError:
        raise InputError("sex is 男 or 女", "性别应填“男”或“女”") from None


def _education(message: pb.Education) -> Education:
    return Education(_text(message.degree), _text(message.school))


def _member(row: pb.FamilyMember) -> FamilyMember:
    return FamilyMember(
        title=_text(row.title),
        name=_text(row.name),
        age=row.age if row.HasField("age") else None,
        political=_text(row.political),
        unit_and_post=_text(row.unit_and_post),
    )


def _text(text: str, longest: int = _LONG) -> str:
    if len(text) > longest:
        raise InputError(
            "a text of the form is too long", f"基本情况表中有内容超过{longest}字，请精简"
        )
    return text.strip()
