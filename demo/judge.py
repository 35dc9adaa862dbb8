"""Compares what the parties got with the known answer. Counts only: nothing of anybody's entries.

A hit is one official, one person, one item, one capacity: by normalised numbers and the item's reference.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from demo.clerks import Mistake
from demo.parties import Beneficiary, Registry
from demo.sheets import Sheets
from demo.truth import ExpectedHit
from libmatch.stubs.inspector.v1 import inspector_pb2
from services.cli.peers import ItemNoticeLine, OfficialNoticeLine

HOLD, CLEAR = "ITEM_STATUS_HOLD", "ITEM_STATUS_CLEAR"
NOT_SUBMITTED = "ITEM_STATUS_NOT_SUBMITTED"

HitKey = tuple[str, str, str, str]


@dataclass(frozen=True)
class Hits:
    """纪委's cases against the known hits. ``wrong``: found, but another relation, unit or name."""

    expected: int
    found: int
    missed: int
    false: int
    duplicates: int
    wrong: int

    @property
    def ok(self) -> bool:
        """Whether just the known hits were found, each once."""
        return not (self.missed or self.false or self.duplicates or self.wrong)


def key_of(hit: ExpectedHit) -> HitKey:
    """What identifies an expected hit."""
    return (*hit.key, hit.capacity)


def case_key(case: inspector_pb2.Case) -> HitKey:
    """What identifies a case of 纪委's."""
    return case.official_idn, case.person_idn, case.item_ref, case.capacity


def live_cases(cases: Iterable[inspector_pb2.Case]) -> list[inspector_pb2.Case]:
    """The cases that some live pair still says."""
    return [case for case in cases if case.status != inspector_pb2.CASE_STATUS_WITHDRAWN]


def judge_hits(hits: Iterable[ExpectedHit], cases: Iterable[inspector_pb2.Case]) -> Hits:
    """How the live cases compare with ``hits``."""
    expected = {key_of(hit): _told_of_hit(hit) for hit in hits}
    live = live_cases(cases)
    counted = Counter(map(case_key, live))
    told = {case_key(case): _told_of_case(case) for case in live}
    known = expected.keys() & told.keys()
    return Hits(
        expected=len(expected),
        found=len(known),
        missed=len(expected.keys() - told.keys()),
        false=len(told.keys() - expected.keys()),
        duplicates=sum(counted.values()) - len(counted),
        wrong=sum(expected[key] != told[key] for key in known),
    )


def _told_of_hit(hit: ExpectedHit) -> tuple[object, ...]:
    official, item = hit.official, hit.item
    return (
        *(folded(official.person.name), folded(official.employer), official.post.title),
        *(folded(hit.person.name), hit.relation, frozenset(unit.id for unit in hit.units)),
        *(item.unit.id, folded(item.name), item.programme.name, item.amount_fen),
        *(item.place, item.start.isoformat()),
    )


def _told_of_case(case: inspector_pb2.Case) -> tuple[object, ...]:
    return (
        *(case.official_name, case.official_unit, case.official_post),
        *(case.relative_name, case.relation, frozenset(case.declaring_units)),
        *(case.approving_unit, case.item_name, case.programme, case.amount_fen),
        *(case.place, case.start_date),
    )


def folded(text: str) -> str:
    """The text as readers of sheets keep it."""
    return unicodedata.normalize("NFKC", text).strip()


@dataclass(frozen=True)
class Notices:
    """What units were told against what they must be told. ``disputed``: contradicts own records."""

    expected: int
    found: int
    missing: int
    extra: int
    disputed: int

    @property
    def ok(self) -> bool:
        """Whether every unit was told just what concerns it."""
        return not (self.missing or self.extra or self.disputed)


def judge_notices(
    hits: Sequence[ExpectedHit],
    registries: Mapping[Registry, Sequence[OfficialNoticeLine]],
    beneficiaries: Mapping[Beneficiary, Sequence[ItemNoticeLine]],
) -> Notices:
    """How the notices of all units compare with those that ``hits`` give, one a unit and hit."""
    expected = Counter[tuple[object, ...]]()
    for hit in hits:
        expected[_to_approving_unit(hit)] += 1
        expected.update(_to_declaring_units(hit))
    found = Counter[tuple[object, ...]]()
    for registry, official_lines in registries.items():
        found.update(("registry", registry.unit.id, *_official_line(n)) for n in official_lines)
    for beneficiary, item_lines in beneficiaries.items():
        found.update(("beneficiary", beneficiary.unit.id, *_item_line(n)) for n in item_lines)
    lines = [line for each in (registries, beneficiaries) for got in each.values() for line in got]
    return Notices(
        expected=expected.total(),
        found=found.total(),
        missing=(expected - found).total(),
        extra=(found - expected).total(),
        disputed=sum(line.disputed for line in lines),
    )


def _to_approving_unit(hit: ExpectedHit) -> tuple[object, ...]:
    official, item = hit.official, hit.item
    own = (item.ref, folded(item.name), folded(hit.person.name))
    told = (folded(official.person.name), folded(official.employer), official.post.title)
    return ("beneficiary", item.unit.id, *own, *told, hit.relation)


def _to_declaring_units(hit: ExpectedHit) -> Iterable[tuple[object, ...]]:
    item = hit.item
    own = (folded(hit.official.person.name), folded(hit.person.name), hit.relation)
    told = (item.unit.name, folded(item.name), item.programme.name, item.amount_fen, item.place)
    return [("registry", unit.id, *own, *told) for unit in hit.units]


def _official_line(line: OfficialNoticeLine) -> tuple[object, ...]:
    own = (line.official, line.relative, line.relation)
    told = (line.approving_unit, line.item_name, line.programme, line.amount_fen, line.place)
    return own + told


def _item_line(line: ItemNoticeLine) -> tuple[object, ...]:
    own = (line.item_ref, line.item_name, line.person)
    return (*own, line.official, line.official_unit, line.official_post, line.relation)


def expected_gate(sheets: Sheets, hits: Iterable[ExpectedHit]) -> dict[str, dict[str, str]]:
    """By unit and item reference what the gate must answer once all is matched."""
    held = {(hit.item.unit.id, hit.item.ref) for hit in hits}
    answers: dict[str, dict[str, str]] = {}
    for file in sheets.lists:
        own = answers.setdefault(file.unit.id, {})
        for row in file.rows:
            if row.mistake is Mistake.REPEATED:
                continue  # the row that it repeats was taken
            matched = HOLD if (file.unit.id, row.item.ref) in held else CLEAR
            own[row.item.ref] = NOT_SUBMITTED if row.mistake else matched
    return answers
