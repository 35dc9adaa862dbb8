"""What a unit's random checks draw from: declarations that are held, and what a checker sees (R51)."""

from __future__ import annotations

from services.registry.store.checked import describe_declarations, read_declarations_of
from tests.district import NOW, person
from tests.unit.services.registry.conftest import Registry
from tests.unit.services.registry.sheets_of_declarations import OFFICIAL, row, sheet

YEAR = NOW.year
OTHER = person(900_002)


def held(registry: Registry, year: int = YEAR) -> frozenset[bytes]:
    return registry.database.read(lambda session: read_declarations_of(session, year))


def test_R51_each_declaration_that_is_held_can_be_drawn_and_a_withdrawn_one_not(
    registry: Registry,
) -> None:
    registry.take(
        sheet(
            row(person(1)),
            row(person(2), official=OTHER, official_name="张某"),
        )
    )
    refs = {listed.official.name: listed.official.ref for listed in registry.listed()}
    assert held(registry) == held(registry, YEAR + 1) == frozenset(refs.values())
    assert held(registry, YEAR - 1) == frozenset()
    registry.withdraw(refs["张某"])
    assert held(registry) == {refs["王某"]}


def test_R63_a_checker_sees_the_declaration_without_its_numbers(registry: Registry) -> None:
    registry.take(sheet(row(person(1), 报告人手机号码="13800000000")))
    (ref,) = held(registry)
    shown = registry.database.read(lambda s: describe_declarations(s, [ref, bytes(16)]))
    assert list(shown) == [ref]
    text = "".join(f"{heading}{text}" for heading, text in shown[ref])
    for told in ("王某", "某局 科长", "办公室工作", "亲属（配偶）", "李某"):
        assert told in text
    for number in (person(1).idn, OFFICIAL.idn, "13800000000"):
        assert number not in text
