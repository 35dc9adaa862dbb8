"""Texts of the reporter's and the relatives' fields -> Official and Relative, by column.

A field that cannot be understood becomes a Flaw; a person with a flaw is not taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date

from libmatch.errors import IdentifierError, IdentifierRule, InputError
from libmatch.identifiers import Identifier, Kind, Sex, check_declared, parse_column, parse_kind
from libmatch.relations import Relation, parse_relation, requires_remark
from services.chassis.sheets import (
    CellError,
    Flaw,
    Position,
    cell_error,
    parse_date,
    parse_each,
    parse_grouped,
    what_and_cure,
)
from services.registry.declaration_columns import (
    OFFICIAL,
    OFFICIAL_FIELDS,
    RELATIVE,
    RELATIVE_FIELDS,
)
from services.registry.declaration_fields import (
    NOT_KNOWN,
    parse_category,
    parse_discipline,
    parse_long_text,
    parse_name,
    parse_phone,
    parse_sex,
    parse_text,
)
from services.registry.declaration_records import Official, Relative

_CORRECT = "请对照纸质报告表改正"


def parse_officials(
    rows: Sequence[Sequence[str]], positions: Sequence[Position], today: date
) -> list[Official | tuple[Flaw, ...]]:
    """An Official or its flaws for each row of texts, which are in the order of OFFICIAL_FIELDS."""
    if not rows:
        return []
    texts = dict(zip(OFFICIAL_FIELDS, zip(*rows, strict=True), strict=True))
    columns: list[Sequence[object]] = [
        _identifiers(texts["idn"], texts["kind"], today),
        parse_each(texts["name"], parse_name),
        parse_each(texts["sex"], parse_sex),
        *(parse_each(texts[field], parse_text) for field in ("political", "unit", "post", "rank")),
        parse_each(texts["work"], parse_long_text),
        parse_each(texts["discipline"], parse_discipline),
        parse_each(texts["household"], parse_text),
        parse_each(texts["phone"], parse_phone),
    ]
    columns += [
        positions,
        parse_each(texts["category"], parse_category),
        parse_each(texts["signed_on"], lambda text: _signed_on(text, today)),
    ]
    return [_official(values) for values in zip(*columns, strict=True)]


def _official(values: Sequence[object]) -> Official | tuple[Flaw, ...]:
    flaws = _flaws(OFFICIAL, Official, values)
    if not flaws:
        flaws = _sex_flaws(OFFICIAL, values[0], values[2])
    return flaws or Official(*values)  # type: ignore[arg-type]  # all parsed


def _signed_on(text: str, today: date) -> date | None:
    if not text:
        return None
    day = parse_date(text)
    if day is not None and day > today:
        raise CellError("承诺日期晚于今天", "请核对承诺日期")
    return day


def parse_relatives(
    rows: Sequence[Sequence[str]], positions: Sequence[Position], today: date
) -> list[Relative | tuple[Flaw, ...]]:
    """A Relative or its flaws for each row of texts, which are in the order of RELATIVE_FIELDS."""
    if not rows:
        return []
    texts = dict(zip(RELATIVE_FIELDS, zip(*rows, strict=True), strict=True))
    columns: list[Sequence[object]] = [
        _known_identifiers(texts["idn"], texts["kind"], today),
        parse_each(texts["name"], parse_name),
        parse_each(texts["sex"], parse_sex),
        parse_each(texts["relation"], parse_relation),
        *(parse_each(texts[field], parse_text) for field in ("political", "unit", "post")),
        parse_each(texts["phone"], parse_phone),
        parse_each(texts["household"], parse_text),
        _remarks(texts["remark"], texts["idn"]),
    ]
    return [_relative(values) for values in zip(*columns, positions, strict=True)]


def _relative(values: Sequence[object]) -> Relative | tuple[Flaw, ...]:
    flaws = _flaws(RELATIVE, Relative, values)
    if flaws:
        return flaws
    identifier, sex, relation, remark = values[0], values[2], values[3], values[9]
    if identifier is None and (not remark or remark in NOT_KNOWN):
        return (_no_reason(),)
    if isinstance(relation, Relation) and requires_remark(relation) and not remark:
        return (_no_support(),)
    flaws = _sex_flaws(RELATIVE, identifier, sex)
    return flaws or Relative(*values)  # type: ignore[arg-type]  # all parsed


def _no_reason() -> Flaw:
    return Flaw(
        f"{RELATIVE}.idn",
        "没有证件号码，也没有说明原因",
        "请补填证件号码；确实不掌握的，在“备注”栏写明原因和预计补报时间",
    )


def _no_support() -> Flaw:
    return Flaw(
        f"{RELATIVE}.remark",
        "亲属关系为“其他”时必须填写备注",
        "请在“备注”栏写明具体的扶养或赡养关系",
    )


# --- columns ------------------------------------------------------------------------------------


def _flaws(
    whose: str, person: type[Official | Relative], values: Sequence[object]
) -> tuple[Flaw, ...]:
    """A flaw for each error among the values, which are in the order of the person's fields."""
    return tuple(
        Flaw(f"{whose}.{_KEYS.get(field.name, field.name)}", value.what, value.cure)
        for field, value in zip(fields(person), values, strict=True)
        if isinstance(value, CellError)
    )


_KEYS = {"identifier": "idn"}


def _known_identifiers(
    texts: Sequence[str], kinds: Sequence[str], today: date
) -> list[Identifier | CellError | None]:
    """As ``_identifiers``, but None where the cell is blank or says in words that nobody knows."""
    known = [i for i, text in enumerate(texts) if not _says_unknown(text)]
    found = _identifiers([texts[i] for i in known], [kinds[i] for i in known], today)
    column: list[Identifier | CellError | None] = [None] * len(texts)
    for i, value in zip(known, found, strict=True):
        column[i] = value
    return column


def _says_unknown(text: str) -> bool:
    """Whether an ID cell holds no number at all but nothing or words such as 已故."""
    return not text or not any(c.isalnum() and not "一" <= c <= "鿿" for c in text)


def _remarks(remarks: Sequence[str], ids: Sequence[str]) -> list[str | CellError]:
    """The remark; where it is blank and the ID cell gives a reason in words, that reason."""
    joined = [
        remark if remark or not idn or idn in NOT_KNOWN or not _says_unknown(idn) else idn
        for remark, idn in zip(remarks, ids, strict=True)
    ]
    return parse_each(joined, parse_text)


def _identifiers(
    texts: Sequence[str], kinds: Sequence[str], today: date
) -> list[Identifier | CellError]:
    """The identifier of each text, by the stated kind where there is one (证件类型)."""

    def parse(group: list[str], kind: Kind | None) -> list[Identifier | CellError]:
        column = parse_column(group, today=today, kind=kind)
        errors = map(column.error, range(len(group)))
        return [
            _person(column.identifier(at)) if error is None else _refused(error)
            for at, error in enumerate(errors)
        ]

    return parse_grouped(texts, parse_each(kinds, _kind), parse)


def _refused(error: IdentifierError) -> CellError:
    if error.rule is IdentifierRule.EMPTY:
        return CellError("没有填写证件号码", "请填写身份证号码")
    return cell_error(error)


def _kind(text: str) -> Kind | None:
    return parse_kind(text) if text else None


def _person(identifier: Identifier) -> Identifier | CellError:
    if identifier.kind is Kind.CREDIT_CODE:
        return CellError("填的是统一社会信用代码，不是个人证件号码", "请填写本人的身份证号码")
    return identifier


def _sex_flaws(whose: str, identifier: object, sex: object) -> tuple[Flaw, ...]:
    if not isinstance(identifier, Identifier) or not isinstance(sex, Sex):
        return ()
    try:
        check_declared(identifier, sex=sex)
    except InputError as error:
        return (Flaw(f"{whose}.sex", *what_and_cure(error, _CORRECT)),)
    return ()
