"""Matters in numbers (R39, R55, R60), statements as bytes (R49), and who reports where (R1 to R12). Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from libmatch.errors import EncodingError
from libmatch.records import Side
from services.process.entries import decode_body
from services.process.figures import MatterCounts, count_matters, first_publication
from services.process.receivers import find_missing, list_receivers
from services.process.statements import Stated, decode_stated
from services.rules.matter_facts import Matter, State, Verdict
from services.rules.ruleset import packaged_rulesets
from services.rules.statements import Meeting
from services.rules.units import packaged_units
from services.rules.violation import RuleViolation
from tests.rules.matter_walk import (
    DAY,
    END,
    MATTER,
    RULES,
    START,
    found,
    measured,
    objected,
    published,
    publishing,
    verifying,
)
from tests.rules_samples import TREE

OF = packaged_rulesets().get
OK, BAD = Verdict.COMPLIANT, Verdict.NOT_COMPLIANT


def count(*matters: Matter, at: datetime = START + DAY, unit: str = "minzheng") -> dict[str, int]:
    """What differs from zero."""
    counts = vars(count_matters(unit, matters, OF, at))
    return {name: number for name, number in counts.items() if number and name != "unit"}


@pytest.mark.parametrize(
    ("matter", "expected"),
    [
        (MATTER, {"notified": 1}),
        (verifying(), {"notified": 1}),
        (found(OK), {"notified": 1, "verified": 1, "compliant": 1}),
        (found(BAD), {"notified": 1, "verified": 1, "not_compliant": 1}),
        (
            measured(),
            {"notified": 1, "verified": 1, "not_compliant": 1, "measured": 1, "leads": 1},
        ),
        (publishing(), {"notified": 1, "verified": 1, "compliant": 1, "publishing": 1}),
        (objected(), {"notified": 1, "verified": 1, "compliant": 1, "objected": 1}),
        (replace(MATTER, state=State.WITHDRAWN), {"withdrawn": 1}),
    ],
)
def test_R55_each_state_is_counted_where_it_belongs(
    matter: Matter, expected: dict[str, int]
) -> None:
    assert count(matter) == expected
    about = {} if matter.state is State.WITHDRAWN else {"concerning": 1}
    assert count(matter, unit="shuiwu") == about
    assert count(matter, unit="jiwei") == {}
    assert count(matter, unit="") == expected | about


def test_R45_R55_published_is_what_hung_seven_days_whether_or_not_a_service_said_so() -> None:
    expected = {"notified": 1, "verified": 1, "compliant": 1, "published": 1}
    assert count(published(), at=END) == count(publishing(), at=END) == expected


@pytest.mark.parametrize(
    ("matter", "days", "late"),
    [
        (verifying(), 15, ""),
        (verifying(), 16, "overdue"),
        (found(OK), 15, ""),
        (found(OK), 16, "overdue_steps"),  # the posting
        (found(BAD), 16, "overdue_steps"),  # the measure
        (found(OK, START + 16 * DAY), 17, "verified_late"),
    ],
)
def test_R39_R41_R43_what_is_late_is_told_by_what_is_missing(
    matter: Matter, days: int, late: str
) -> None:
    counts = count(matter, at=START + days * DAY)
    names = ("overdue", "overdue_steps", "verified_late")
    assert [name for name in names if name in counts] == ([late] if late else [])


def test_R55_counts_of_units_add_up_to_the_district() -> None:
    matters = [found(OK), replace(found(BAD), approving_unit="nongwei"), publishing()]
    units = [count_matters(unit, matters, OF, START + DAY) for unit in ("minzheng", "nongwei")]
    whole = count_matters("", matters, OF, START + DAY)
    for name in MatterCounts.__dataclass_fields__.keys() - {"unit", "concerning"}:
        assert sum(getattr(one, name) for one in units) == getattr(whole, name), name


def test_R42_R60_a_unit_is_through_with_its_first_posting_or_with_nothing_to_post() -> None:
    submitted = date(2018, 9, 1)
    day = date(2018, 9, 3)
    assert first_publication("shuiwu", [publishing()], submitted) == day
    assert first_publication("baitao", [publishing()], submitted) == day
    for open_still in (MATTER, verifying(), found(OK)):
        assert first_publication("shuiwu", [open_still], submitted) is None
    for nothing in (found(BAD), measured(), replace(MATTER, state=State.WITHDRAWN)):
        assert first_publication("shuiwu", [nothing], submitted) == submitted
    assert first_publication("jiwei", [MATTER], None) is None
    assert first_publication("minzheng", [MATTER], submitted) == submitted  # posts in no place


# --- statements -----------------------------------------------------------------------------------


STATED = Stated(
    b"c" * 16,
    "reg-a",
    Side.REGISTRY,
    3,
    datetime(2026, 12, 20, tzinfo=UTC),
    2026,
    Meeting.STAFF,
    date(2026, 12, 19),
)


def test_R49_a_statement_reads_back_as_it_was_written() -> None:
    assert decode_body(STATED.encode()) == decode_stated(STATED.encode()) == STATED


@pytest.mark.parametrize(
    "old_and_new",
    [(b"STAFF", b"PARTY"), (b"2026-12-19", b"2026-12-32"), (b"2026-12-19", b"20261219__")],
)
def test_R49_bytes_that_no_unit_writes_are_no_statement(old_and_new: tuple[bytes, bytes]) -> None:
    data = STATED.encode().replace(*old_and_new)
    assert data != STATED.encode()
    with pytest.raises(EncodingError):
        decode_body(data)


def test_R49_the_declaring_unit_alone_states() -> None:
    with pytest.raises(EncodingError):
        replace(STATED, side=Side.BENEFICIARY)


# --- who reports where ----------------------------------------------------------------------------


def test_R7_every_reporting_unit_of_annex_1_is_missing_before_anybody_is_enrolled() -> None:
    tree, day = packaged_units(), date(2018, 8, 1)
    reporting = {unit.name for unit in tree.receiving_units(day)}
    missing = {one.unit: one.what_zh for one in find_missing(tree, day, frozenset(), frozenset())}
    assert missing.keys() == reporting
    assert set(missing.values()) == {"未列入名册，不能申报"}
    assert list(find_missing(tree, day, frozenset(reporting), frozenset(reporting))) == []


def test_R1_R12_every_unit_of_the_tree_has_somewhere_to_report() -> None:
    day = date(2018, 8, 1)
    for unit in list_receivers(TREE, RULES, day):
        assert unit.where.required, unit.unit.name
        assert unit.who_zh
    with pytest.raises(RuleViolation):
        list_receivers(TREE, RULES, day, "nobody")
