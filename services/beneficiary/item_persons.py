"""Texts of a list's person columns -> the persons of each row, by column (R28)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from libmatch.identifiers import Identifier, Kind, parse_column, parse_kind
from libmatch.payloads import NAME_CAP
from services.beneficiary.item_records import Capacity, ItemPerson
from services.chassis.sheets import (
    CellError,
    Flaw,
    cell_error,
    parse_each,
    parse_grouped,
    parse_person_name,
)

RowPersons = tuple[tuple[ItemPerson, ...], tuple[Flaw, ...]]
"""The persons of a row, each identifier once, and what is wrong with their fields."""

_ELLIPSIS = "…"
_CAPACITY_WORDS = {
    "": Capacity.BENEFICIARY,
    "自然人": Capacity.BENEFICIARY,
    "受益对象": Capacity.BENEFICIARY,
    "法人": Capacity.LEGAL_REPRESENTATIVE,
    "法人代表": Capacity.LEGAL_REPRESENTATIVE,
    "代理人": Capacity.AGENT,
}
_NOBODY = Flaw(
    "",
    "这一行没有可以比对的人：没有证件号码，也没有统一社会信用代码",
    "请补填受益人、法定代表人或委托代理人的姓名和身份证号码",
)


_Found = ItemPerson | tuple[Flaw, ...] | None


def parse_persons(texts: Mapping[str, Sequence[str]], today: date) -> list[RowPersons]:
    """The persons and flaws of each row. ``texts``: the clean texts of every person column."""
    kinds = parse_each(texts["kind"], _stated_kind)
    capacities = parse_each(texts["capacity"], _capacity)
    rows = len(kinds)
    legal = [Capacity.LEGAL_REPRESENTATIVE] * rows
    agent = [Capacity.AGENT] * rows
    found = (
        _persons(texts, ("name", "idn"), kinds, capacities, today),
        _companies(texts, today),
        _persons(texts, ("legal", "legal_idn"), [None] * rows, legal, today),
        _persons(texts, ("agent", "agent_idn"), [None] * rows, agent, today),
    )
    return [_row(candidates) for candidates in zip(*found, strict=True)]


def _row(candidates: Sequence[_Found]) -> RowPersons:
    """Each identifier once, in its first capacity: a sole trader is often his own legal representative."""
    persons: dict[Identifier, ItemPerson] = {}
    flaws: list[Flaw] = []
    for found in candidates:
        if isinstance(found, ItemPerson):
            persons.setdefault(found.identifier, found)
        elif found:
            flaws += found
    if not persons and not flaws:
        flaws = [_NOBODY]
    return tuple(persons.values()), tuple(flaws)


def _persons(
    texts: Mapping[str, Sequence[str]],
    keys: tuple[str, str],
    kinds: Sequence[Kind | CellError | None],
    capacities: Sequence[Capacity | CellError],
    today: date,
) -> list[_Found]:
    """The natural persons of one pair of columns; where 身份证号码 holds a credit code, companies."""
    name_key, idn_key = keys
    identifiers = _identifiers(texts[idn_key], kinds, today)
    names = parse_each(texts[name_key], _person_name)
    return [
        _person(keys, shown, name, identifier, capacity)
        for shown, name, identifier, capacity in zip(
            texts[name_key], names, identifiers, capacities, strict=True
        )
    ]


def _person(
    keys: tuple[str, str],
    shown: str,
    name: str | CellError,
    identifier: Identifier | CellError | None,
    capacity: Capacity | CellError,
) -> _Found:
    if identifier is None:
        return _without_number(keys[1]) if shown else None
    if isinstance(identifier, Identifier) and identifier.kind is Kind.CREDIT_CODE:
        if keys[0] != "name":
            return (
                Flaw(keys[1], "填的是统一社会信用代码，不是个人证件号码", "请填写该人的身份证号码"),
            )
        name = _company_name(shown) if shown else name
    values = (name, identifier, capacity)
    flaws = tuple(
        Flaw(key, value.what, value.cure)
        for key, value in zip((*keys, "capacity"), values, strict=True)
        if isinstance(value, CellError)
    )
    return flaws or ItemPerson(identifier, name, capacity)  # type: ignore[arg-type]  # all parsed


def _without_number(key: str) -> tuple[Flaw, ...]:
    return (Flaw(key, "没有证件号码，不能只凭姓名比对", "请补填证件号码"),)


def _companies(texts: Mapping[str, Sequence[str]], today: date) -> list[_Found]:
    """The companies that have a credit code. Without one a company is a name only, and no person."""
    kinds = [Kind.CREDIT_CODE] * len(texts["company_idn"])
    identifiers = _identifiers(texts["company_idn"], kinds, today)
    return [
        _company(name, identifier)
        for name, identifier in zip(texts["company"], identifiers, strict=True)
    ]


def _company(name: str, identifier: Identifier | CellError | None) -> _Found:
    if identifier is None:
        return None
    if isinstance(identifier, CellError):
        return (Flaw("company_idn", identifier.what, identifier.cure),)
    if not name:
        return (Flaw("company", "有统一社会信用代码而没有单位名称", "请补填单位名称"),)
    return ItemPerson(identifier, _company_name(name), Capacity.BENEFICIARY)


def _company_name(name: str) -> str:
    """The name, cut to what a sealed record holds; the item keeps it whole."""
    data = name.encode()
    if len(data) <= NAME_CAP:
        return name
    return data[: NAME_CAP - len(_ELLIPSIS.encode())].decode(errors="ignore") + _ELLIPSIS


def _person_name(text: str) -> str:
    return parse_person_name(text, NAME_CAP)


def _stated_kind(text: str) -> Kind | None:
    return parse_kind(text) if text else None


def _capacity(text: str) -> Capacity:
    if text in _CAPACITY_WORDS:
        return _CAPACITY_WORDS[text]
    try:
        return Capacity(text)
    except ValueError:
        words = "、".join(f"“{capacity}”" for capacity in Capacity)
        raise CellError(f"身份类型只能填{words}", "请改为其中之一，留空视为“受益人”") from None


def _identifiers(
    texts: Sequence[str], kinds: Sequence[Kind | CellError | None], today: date
) -> list[Identifier | CellError | None]:
    """The identifier of each text, None where it is blank."""

    def parse(group: list[str], kind: Kind | None) -> list[Identifier | CellError]:
        column = parse_column(group, today=today, kind=kind)
        errors = map(column.error, range(len(group)))
        return [
            cell_error(error) if error else column.identifier(at) for at, error in enumerate(errors)
        ]

    filled = [place for place, text in enumerate(texts) if text]
    chosen = [kinds[place] for place in filled]
    values = parse_grouped([texts[place] for place in filled], chosen, parse)
    found: list[Identifier | CellError | None] = [None] * len(texts)
    for place, value in zip(filled, values, strict=True):
        found[place] = value
    return found
