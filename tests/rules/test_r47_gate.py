"""The gate: CLEAR only for what is matched, verified and published to the end (R47, R61)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.clearances import ClearanceStatus
from libmatch.errors import EncodingError
from services.rules.gate import Certificate, Decision, Hold, ItemFacts, RecordFacts, decide
from services.rules.matter_facts import Matter, State, Verdict
from services.rules.matter_steps import Because, Event, TakeDown
from services.rules.publication import Place
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation
from tests.rules.matter_walk import (
    DAY,
    END,
    HOUR,
    MATTER,
    RULES,
    START,
    SYSTEM,
    VILLAGE_LEADER,
    WORKER,
    found,
    measured,
    objected,
    posted,
    published,
    publishing,
    step,
    verifying,
)

NOW = END + HOUR
LIST = b"\1" * 32
CLEAR_RECORD = RecordFacts(True, ClearanceStatus.CLEAR, NOW - DAY, 100, 0)
HIT_RECORD = replace(CLEAR_RECORD, answer=ClearanceStatus.HOLD, matters=(published(),))
ITEM = ItemFacts("MZ-2018-1", True, LIST, LIST, (CLEAR_RECORD,), 100)


def versions(version: str) -> RuleSet:
    return {RULES.version: RULES}[version]


def decided(facts: ItemFacts, now: datetime = NOW) -> Decision:
    return decide(facts, now, RULES, versions)


def with_record(**change: object) -> ItemFacts:
    return replace(ITEM, records=(CLEAR_RECORD, replace(CLEAR_RECORD, **change)))  # type: ignore[arg-type]


# --- without a hit --------------------------------------------------------------------------------


def test_R47_an_item_without_a_hit_passes_with_a_certificate() -> None:
    decision = decided(ITEM)
    assert decision.is_clear
    decision.require_clear()
    assert decision.certificate == Certificate(
        ITEM.item_ref, LIST, NOW, NOW + 29 * DAY, 100, RULES.version
    )
    assert decision.expires_at == NOW + 29 * DAY


def test_R47_the_certificate_lasts_as_long_as_its_oldest_answer() -> None:
    older = with_record(answered_at=NOW - 10 * DAY, log_size=100)
    assert decided(older).expires_at == NOW + 20 * DAY
    shorter = with_record(answer_expires_at=NOW + DAY)
    assert decided(shorter).expires_at == NOW + DAY


def test_R47_an_empty_log_is_a_size_too() -> None:
    facts = replace(ITEM, records=(replace(CLEAR_RECORD, log_size=0),), declared_size=0)
    assert decided(facts).is_clear


def test_R47_the_certificate_is_for_the_smallest_log() -> None:
    certificate = decided(with_record(log_size=120)).certificate
    assert certificate is not None
    assert certificate.log_size == 100


CERTIFICATE = Certificate("MZ-2018-1", LIST, NOW, NOW + 30 * DAY, 100, RULES.version)


def test_R47_a_certificate_holds_within_its_days() -> None:
    CERTIFICATE.require_valid(LIST, 100, NOW)
    CERTIFICATE.require_valid(LIST, 100, NOW + 30 * DAY - timedelta(microseconds=1))


@pytest.mark.parametrize("now", [NOW - timedelta(microseconds=1), NOW + 30 * DAY])
def test_R47_a_certificate_expires(now: datetime) -> None:
    with pytest.raises(RuleViolation) as caught:
        CERTIFICATE.require_valid(LIST, 100, now)
    assert caught.value.rule == "R47"


def test_R47_a_later_declaration_voids_a_certificate() -> None:
    with pytest.raises(RuleViolation) as caught:
        CERTIFICATE.require_valid(LIST, 101, NOW)
    assert caught.value.rule == "R47"
    assert "新的亲属关系申报" in caught.value.message_zh


def test_R25_an_altered_list_voids_a_certificate() -> None:
    with pytest.raises(RuleViolation) as caught:
        CERTIFICATE.require_valid(bytes(32), 100, NOW)
    assert caught.value.rule == "R25"


def test_R47_every_part_of_a_certificate_is_signed() -> None:
    others = [
        replace(CERTIFICATE, item_ref="MZ-2018-2"),
        replace(CERTIFICATE, list_digest=bytes(32)),
        replace(CERTIFICATE, issued_at=NOW + HOUR),
        replace(CERTIFICATE, expires_at=NOW + DAY),
        replace(CERTIFICATE, log_size=101),
        replace(CERTIFICATE, rules_version="x"),
    ]
    assert len({CERTIFICATE.encode(), *(other.encode() for other in others)}) == 7


# --- unknown, late or stale -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "hold"),
    [
        (replace(ITEM, records=()), Hold.NO_PERSONS),
        (replace(ITEM, has_pre_list=False), Hold.NO_PRE_LIST),
        (replace(ITEM, signed_digest=None), Hold.UNSIGNED),
        (replace(ITEM, signed_digest=bytes(32)), Hold.ALTERED),
        (with_record(accepted=False), Hold.NOT_SUBMITTED),
        (with_record(answer=ClearanceStatus.NOT_SUBMITTED), Hold.NOT_SUBMITTED),
        (with_record(answer=None), Hold.NOT_MATCHED),
        (with_record(answer=ClearanceStatus.PENDING), Hold.NOT_MATCHED),
        (with_record(answered_at=None), Hold.STALE),
        (with_record(answered_at=NOW - 30 * DAY), Hold.STALE),
        (with_record(answered_at=NOW + HOUR), Hold.STALE),
        (with_record(answer_expires_at=NOW), Hold.STALE),
        (with_record(log_size=99), Hold.LATER_DECLARATION),
        (replace(ITEM, declared_size=101), Hold.LATER_DECLARATION),
        (with_record(undelivered_hits=1), Hold.UNDELIVERED),
        (with_record(undelivered_hits=None), Hold.UNDELIVERED),
        (with_record(answer=ClearanceStatus.HOLD), Hold.UNEXPLAINED),
    ],
)
def test_R47_unknown_late_or_stale_is_hold(facts: ItemFacts, hold: Hold) -> None:
    decision = decided(facts)
    assert decision.holds == (hold,)
    assert (decision.certificate, decision.expires_at) == (None, None)
    with pytest.raises(RuleViolation) as caught:
        decision.require_clear()
    assert caught.value.rule == "R47"
    assert hold in caught.value.message_zh


def test_R61_a_district_may_do_without_proposed_lists() -> None:
    rules = RuleSet(pre_required=False)
    assert decide(replace(ITEM, has_pre_list=False), NOW, rules, versions).is_clear


def test_R47_all_reasons_are_told_at_once() -> None:
    facts = replace(with_record(accepted=False), signed_digest=None)
    assert decided(facts).holds == (Hold.UNSIGNED, Hold.NOT_SUBMITTED)


def test_R47_an_item_is_as_good_as_its_worst_person() -> None:
    worst = replace(HIT_RECORD, matters=(published(), verifying()))
    facts = replace(ITEM, records=(CLEAR_RECORD, HIT_RECORD, worst))
    assert decided(facts).holds == (Hold.TO_VERIFY,)


# --- with hits ------------------------------------------------------------------------------------


def withdrawn() -> Matter:
    return step(publishing(), Because(Event.WITHDRAW, "申报已更正"), SYSTEM, START + DAY)


def disputed() -> Matter:
    return step(MATTER, Because(Event.DISPUTE, "记录不符"), WORKER, START + HOUR)


HOLDS: list[tuple[Callable[[], Matter], Hold]] = [
    (lambda: MATTER, Hold.TO_VERIFY),
    (verifying, Hold.TO_VERIFY),
    (disputed, Hold.TO_CONFIRM),
    (lambda: found(Verdict.COMPLIANT), Hold.TO_PUBLISH),
    (lambda: found(Verdict.NOT_COMPLIANT), Hold.NOT_COMPLIANT),
    (measured, Hold.NOT_COMPLIANT),
    (lambda: posted(found(Verdict.COMPLIANT), Place.VILLAGE, START + 3 * HOUR), Hold.PUBLISHING),
    (lambda: publishing(village_at=START + 3 * DAY), Hold.PUBLISHING),
    (objected, Hold.OBJECTED),
]


def with_matters(*matters: Matter) -> ItemFacts:
    return replace(ITEM, records=(replace(HIT_RECORD, matters=matters),))


@pytest.mark.parametrize(("make", "hold"), HOLDS, ids=[hold.name for _, hold in HOLDS])
def test_R47_a_hit_that_is_not_published_to_the_end_holds(
    make: Callable[[], Matter], hold: Hold
) -> None:
    assert decided(with_matters(make())).holds == (hold,)
    assert decided(with_matters(published(), make())).holds == (hold,)


def test_R47_an_item_passes_when_every_hit_is_published_to_the_end_in_both_places() -> None:
    decision = decided(with_matters(published(), published()))
    assert decision.is_clear
    mixed = decided(replace(ITEM, records=(CLEAR_RECORD, HIT_RECORD)))
    assert mixed.is_clear
    assert mixed.certificate is None  # one person's hit is the item's
    assert decision.certificate is None  # of no hit; this one has some
    assert decision.expires_at == NOW + 29 * DAY


def test_R47_the_seventh_day_must_be_over_whatever_the_state_says() -> None:
    early = replace(publishing(), state=State.PUBLISHED)
    assert decided(with_matters(early), END - HOUR).holds == (Hold.PUBLISHING,)
    assert decided(with_matters(publishing()), END).is_clear  # nobody needs to press a button


def test_R47_a_notice_that_was_taken_down_early_holds() -> None:
    matter = step(publishing(), TakeDown(Place.VILLAGE), VILLAGE_LEADER, END - HOUR)
    assert decided(with_matters(matter)).holds == (Hold.PUBLISHING,)


def test_R47_a_withdrawn_hit_does_not_hold() -> None:
    facts = replace(ITEM, records=(replace(CLEAR_RECORD, matters=(withdrawn(),)),))
    assert decided(facts).certificate is not None
    # but the matcher still sees a hit: nobody knows which
    assert decided(with_matters(withdrawn())).holds == (Hold.UNEXPLAINED,)


def test_R62_each_matter_is_judged_by_its_own_rules() -> None:
    strict = RuleSet(version="strict", publication_days=14)
    both = {RULES.version: RULES, "strict": strict}.__getitem__
    facts = with_matters(replace(published(), rules_version="strict"))
    assert decide(facts, NOW, RULES, both).holds == (Hold.PUBLISHING,)
    assert decide(with_matters(published()), NOW, strict, both).is_clear


def test_R47_the_reasons_name_nobody() -> None:
    for make, _ in HOLDS:
        decision = decided(with_matters(make()))
        with pytest.raises(RuleViolation) as caught:
            decision.require_clear()
        assert MATTER.official_name not in f"{decision} {caught.value.message_zh}"


def test_R47_facts_refuse_wrong_sizes_and_times() -> None:
    for change in ({"list_digest": b""}, {"signed_digest": b""}):
        with pytest.raises(EncodingError):
            replace(ITEM, **change)  # type: ignore[arg-type]
    for wrong in ({"log_size": -1}, {"undelivered_hits": -1}):
        with pytest.raises(ValueError, match="not negative"):
            replace(CLEAR_RECORD, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="time zone"):
        replace(CLEAR_RECORD, answered_at=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        decided(ITEM, NOW.replace(tzinfo=None))


# --- no worsening makes it better -----------------------------------------------------------------


@dataclass(frozen=True)
class Hit:
    """A hit of the world: its matter, and whether its notice has arrived."""

    matter: Matter
    delivered: bool = True

    @property
    def is_live(self) -> bool:
        return self.matter.state is not State.WITHDRAWN


@dataclass(frozen=True)
class World:
    """What is so; the facts follow from it."""

    hits: tuple[Hit, ...]
    accepted: bool = True
    signed: bool = True
    answered: bool = True
    age: timedelta = HOUR
    lag: int = 0

    @property
    def facts(self) -> ItemFacts:
        live = [hit for hit in self.hits if hit.is_live]
        answer = ClearanceStatus.HOLD if live else ClearanceStatus.CLEAR
        record = RecordFacts(
            accepted=self.accepted,
            answer=answer if self.answered else None,
            answered_at=NOW - self.age,
            log_size=100 - self.lag,
            undelivered_hits=sum(not hit.delivered for hit in live),
            matters=tuple(hit.matter for hit in self.hits if hit.delivered),
        )
        signed = LIST if self.signed else None
        return replace(ITEM, records=(CLEAR_RECORD, record), signed_digest=signed)


matters = st.sampled_from(
    [make() for make, _ in HOLDS] + [published(), publishing(), published(), withdrawn()]
)
hits = st.builds(Hit, matters, st.sampled_from([True, True, True, False]))
worlds = st.builds(
    World,
    st.lists(hits, max_size=3).map(tuple),
    accepted=st.sampled_from([True, True, False]),
    signed=st.sampled_from([True, True, False]),
    answered=st.sampled_from([True, True, False]),
    age=st.timedeltas(timedelta(0), 40 * DAY),
    lag=st.sampled_from([0, 0, 1]),
)


@given(worlds, hits)
def test_R47_one_more_hit_never_turns_hold_into_clear(world: World, hit: Hit) -> None:
    more = replace(world, hits=(*world.hits, hit))
    assert decided(world.facts).is_clear or not decided(more.facts).is_clear


@given(worlds, st.data())
def test_R47_no_worsening_turns_hold_into_clear(world: World, data: st.DataObject) -> None:
    changes: list[Callable[[World], World]] = [
        lambda w: replace(w, accepted=False),
        lambda w: replace(w, signed=False),
        lambda w: replace(w, answered=False),
        lambda w: replace(w, age=w.age + 10 * DAY),
        lambda w: replace(w, lag=w.lag + 1),
        _without_posting,
        _with_objection,
        _undelivered,
    ]
    worse = world
    for change in data.draw(st.lists(st.sampled_from(changes), min_size=1, max_size=4)):
        worse = change(worse)
    assert decided(world.facts).is_clear or not decided(worse.facts).is_clear


def _without_posting(world: World) -> World:
    return _each_matter(world, lambda m: replace(m, postings=m.postings[:-1]))


def _with_objection(world: World) -> World:
    reopened = objected().objections
    return _each_matter(world, lambda m: replace(m, objections=(*m.objections, *reopened)))


def _undelivered(world: World) -> World:
    return replace(world, hits=tuple(replace(hit, delivered=False) for hit in world.hits))


def _each_matter(world: World, change: Callable[[Matter], Matter]) -> World:
    return replace(world, hits=tuple(replace(h, matter=change(h.matter)) for h in world.hits))


@given(worlds)
def test_R47_clear_means_that_all_conditions_hold(world: World) -> None:
    clear = (
        world.accepted
        and world.signed
        and world.answered
        and world.age < 30 * DAY
        and world.lag == 0
        and all(
            hit.delivered and hit.matter.is_published_to_the_end(NOW, RULES)
            for hit in world.hits
            if hit.is_live
        )
    )
    assert decided(world.facts).is_clear is clear
