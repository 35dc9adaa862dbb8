"""What entries come to, whatever their order of arrival; who joins and who leaves; bodies as bytes."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from libmatch.encoding import enc
from libmatch.errors import EncodingError
from libmatch.records import Side
from services.process.entries import Entry, History, Opening, decode_body, decode_entry
from services.process.folding import fold
from services.rules.matter_facts import (
    Actor,
    Matter,
    Measure,
    MeasureKind,
    Recipient,
    State,
    Verdict,
)
from services.rules.matter_steps import (
    Because,
    Conclude,
    Event,
    Inform,
    Post,
    Step,
    Take,
    TakeMeasure,
)
from services.rules.publication import Place
from services.rules.roles import Role
from services.rules.ruleset import RuleSet

CASE = b"c" * 16
BEGAN = datetime(2026, 9, 1, 1, tzinfo=UTC)
RULES = RuleSet()
REG, BEN = Side.REGISTRY, Side.BENEFICIARY
_SEQS = itertools.count(1)


def opened() -> Matter:
    return Matter(
        matter_id=CASE,
        rules_version=RULES.version,
        approving_unit="ben",
        official_unit="reg-a",
        village_unit="ben",
        official_name="乙某",
        notified_at=BEGAN,
    )


def entry(hours: float, unit: str, side: Side, role: Role, step: Step) -> Entry:
    """One step; who makes it has a login of the role's name."""
    at, actor = BEGAN + timedelta(hours=hours), Actor(role.name, "某", unit, role)
    return Entry(CASE, side, next(_SEQS), at, actor, step)


def informed(hours: float, unit: str) -> Entry:
    return entry(hours, unit, REG, Role.SYSTEM, Inform(Recipient.UNIT, "通知第1号"))


def withdrawn(hours: float, unit: str) -> Entry:
    return entry(hours, unit, REG, Role.SYSTEM, Because(Event.WITHDRAW, "已撤回记录"))


def concluded(hours: float) -> tuple[Entry, Entry]:
    finding = Conclude(Verdict.COMPLIANT, "对照政策核对", Role.WORKER.name, bytes(64))
    return (
        entry(hours, "ben", BEN, Role.WORKER, Take()),
        entry(hours + 1, "ben", BEN, Role.RESPONSIBLE_LEADER, finding),
    )


def posted(hours: float, unit: str, digest: int = 1) -> Entry:
    place, side = (Place.VILLAGE, BEN) if unit == "ben" else (Place.OFFICIAL_UNIT, REG)
    step = Post(place, bytes([digest]) * 32)
    return entry(hours, unit, side, Role.RESPONSIBLE_LEADER, step)


def test_R40_any_order_of_arrival_comes_to_the_same_matter() -> None:
    steps = [informed(0, "reg-a"), informed(1, "reg-b"), *concluded(2), posted(5, "reg-a")]
    first = fold(opened(), steps, RULES).matter
    assert first.state is State.PUBLISHING
    for order in itertools.permutations(steps):
        assert fold(opened(), order, RULES).matter == first


def test_R10_R36_a_unit_joins_with_its_receipt_and_by_nothing_else() -> None:
    objection = entry(2, "reg-b", REG, Role.WORKER, Because(Event.DISPUTE, "名字不符"))
    stranger = fold(opened(), [informed(0, "reg-a"), objection], RULES)
    assert stranger.matter.declaring_units == ("reg-a",)
    assert stranger.refusals == {1: "不是该事项的有关单位"}
    joined = fold(opened(), [informed(0, "reg-a"), informed(1, "reg-b"), objection], RULES)
    assert joined.matter.declaring_units == ("reg-a", "reg-b")
    assert joined.matter.state is State.DISPUTED
    official = entry(1, "reg-b", REG, Role.WORKER, Inform(Recipient.OFFICIAL, "回执"))
    assert fold(opened(), [official], RULES).matter.declaring_units == ("reg-a",)


def test_R37_R43_who_leaves_posts_no_more_and_its_notice_counts_no_more() -> None:
    steps = [informed(0, "reg-a"), informed(1, "reg-b"), *concluded(2), posted(5, "reg-a")]
    left = fold(opened(), [*steps, withdrawn(6, "reg-a"), posted(7, "reg-a", 2)], RULES)
    assert left.matter.declaring_units == ("reg-b",)
    assert left.refusals == {6: "不是该事项的有关单位"}
    posting = left.matter.posting(Place.OFFICIAL_UNIT)
    assert posting is not None
    assert posting.taken_down_at == BEGAN + timedelta(hours=6)
    more = [withdrawn(6, "reg-a"), posted(8, "reg-b", 3), withdrawn(9, "reg-b")]
    assert fold(opened(), [*steps, *more[:2]], RULES).matter.state is State.PUBLISHING
    assert fold(opened(), [*steps, *more], RULES).matter.state is State.WITHDRAWN


def test_R41_a_measure_with_its_lead_survives_its_bytes() -> None:
    day = date(2026, 9, 2)
    lead = ("某镇纪委", "移送2026-01", day)
    measure = Measure(MeasureKind.STOPPED, "", day, "不符合条件", day, *lead)
    step = entry(2, "ben", BEN, Role.RESPONSIBLE_LEADER, TakeMeasure(measure))
    read = decode_entry(step.encode())
    assert read == step
    assert isinstance(read.step, TakeMeasure)
    assert (read.step.measure.lead_to, read.step.measure.lead_reference) == lead[:2]


def test_a_history_survives_its_bytes_and_nothing_else_does() -> None:
    steps = concluded(1)
    opening = Opening("reg-a", RULES.version, BEGAN)
    whole = History(CASE, "ben", BEN, next(_SEQS), BEGAN, opening, steps)
    assert decode_body(whole.encode()).encode() == whole.encode()
    empty = History(CASE, "reg-a", REG, 1, BEGAN, None, ())
    assert decode_body(empty.encode()).encode() == empty.encode()
    for bad in (b"", b"nonsense", enc("matter-history", CASE), whole.encode() + b"x"):
        with pytest.raises(EncodingError):
            decode_body(bad)
    with pytest.raises(EncodingError):  # the approving unit alone opens
        History(CASE, "reg-a", REG, 1, BEGAN, opening, ())
