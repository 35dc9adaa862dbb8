"""Random checks: who may, who waits for whom, what is drawn, what becomes of it (R51, R52)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from libmatch.sampling import Reveal, commit, decode_draw
from services.chassis.identity import Identity
from services.chassis.refusals import Conflict, NotFound, WrongState
from services.process.draws.desk import Wanted
from services.process.draws.held import DrawState, HeldDraw
from services.rules.checks import CheckKind, CheckVerdict
from services.rules.violation import RuleViolation
from tests.district import INSPECTOR
from tests.unit.services.process.supervision_bench import Room, item, items, nonce

UNIT = "min-zheng"


@pytest.fixture
def unit(blank: Path, tmp_path: Path) -> Iterator[Room]:
    with Room.open(blank, tmp_path, UNIT) as room:
        room.matters = {UNIT: items(*range(10))}
        room.declarations = items(*range(100, 121))
        yield room


@pytest.fixture
def commission(blank: Path, tmp_path: Path) -> Iterator[Room]:
    with Room.open(blank, tmp_path, INSPECTOR) as room:
        room.matters = {"min-zheng": items(*range(15)), "nong-wei": items(*range(20, 26))}
        yield room


def encode(label: bytes, *fields: bytes) -> bytes:
    """The encoding of docs/spec/encoding.md, written anew."""
    parts = (b"libmatch/1/" + label, *fields)
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def draw_again(
    plan: bytes, reveals: dict[str, tuple[bytes, bytes]], of: frozenset[bytes], k: int
) -> tuple[bytes, ...]:
    """What docs/spec/sampling.md makes of these reveals, without the library's code."""
    digest = hashlib.sha256(plan).digest()
    encoded = [
        encode(b"seed-commit", digest, party.encode(), *reveals[party]) for party in sorted(reveals)
    ]
    seed = hashlib.sha256(encode(b"seed", *encoded)).digest()
    return tuple(sorted(of, key=lambda one: hmac.digest(seed, encode(b"draw", one), "sha256"))[:k])


def refused(call: Callable[[], object], rule: str, *words: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        call()
    assert caught.value.rule == rule
    for word in words:
        assert word in caught.value.message_zh


def record(room: Room, held: HeldDraw, one: bytes, by: str = "ji") -> HeldDraw:
    result = (one, CheckVerdict.IN_ORDER, "核对无误", b"")
    return room.draws.checks.record(room.who(by), held.draw_id, *result)


# --- the draw -----------------------------------------------------------------------------------


def test_R51_three_of_ten_matters_are_drawn_by_organ_and_witness(unit: Room) -> None:
    held = unit.draw("ji", "shu")
    assert held.state is DrawState.CHECKING
    assert len(held.drawn) == 3
    assert set(held.drawn) < unit.matters[UNIT]
    assert held.draw.plan.title == "R51 单位抽查：涉权事项 min-zheng 2018 测试 #1"


def test_R51_seven_of_twentyone_declarations_are_drawn(unit: Room) -> None:
    held = unit.draw("ji", "li", kind=CheckKind.UNIT_DECLARATIONS)
    assert len(held.drawn) == 7  # 6.3 rounded up
    assert set(held.drawn) < unit.declarations


def test_R51_whoever_has_the_record_draws_the_same(unit: Room) -> None:
    held = unit.draw("ji", "shu")
    shown = unit.draws.checks.get(unit.who("shu"), held.draw_id)
    reveals = {party: (nonce(party), b"6-3-1") for party in ("ji", "shu")}
    plan = shown.draw.plan.encode()
    assert draw_again(plan, reveals, unit.matters[UNIT], 3) == shown.drawn
    reveals["shu"] = (nonce("shu"), b"6-3-2")
    assert draw_again(plan, reveals, unit.matters[UNIT], 3) != shown.drawn


@pytest.mark.parametrize("parties", [("ji",), ("ji", "ji-2"), ("li", "shu")])
def test_R51_a_seed_is_of_the_organ_and_somebody_outside(
    unit: Room, parties: tuple[str, ...]
) -> None:
    refused(lambda: unit.plan(*parties, by="ji"), "R51", "纪检组织")
    assert unit.trail() == [("ji", "plan-draw", "refused R51")]


@pytest.mark.parametrize("login", ["wang", "guan", "shu", "nobody"])
def test_R51_others_than_the_organ_plan_nothing(unit: Room, login: str) -> None:
    refused(lambda: unit.plan("ji", "shu", by=login), "R51")
    assert unit.trail() == [(login, "plan-draw", "refused R51")]


@pytest.mark.parametrize("login", ["wang", "guan"])
def test_R51_worker_and_administrator_are_no_parties_and_see_nothing(
    unit: Room, login: str
) -> None:
    refused(lambda: unit.plan("ji", login), "R51", login)
    held = unit.draw("ji", "shu")
    refused(lambda: unit.draws.checks.get(unit.who(login), held.draw_id), "R51")
    refused(lambda: unit.draws.checks.show(unit.who(login), held.draw_id, "看看"), "R51")
    refused(lambda: record(unit, held, held.drawn[0], by=login), "R51")
    refused(lambda: unit.draws.checks.finish(unit.who(login), held.draw_id), "R51")


def test_R51_a_units_own_system_draws_nothing_and_sees_nothing(unit: Room) -> None:
    system, held = Identity("fuling", "unit", UNIT), unit.draw("ji", "shu")
    wanted = Wanted(CheckKind.UNIT_DECLARATIONS, 2018, "", ("ji", "shu"))
    refused(lambda: unit.draws.desk.plan(system, wanted), "R51")
    refused(lambda: unit.draws.checks.show(system, held.draw_id, "例行核对一下"), "R51")
    refused(lambda: unit.leads.list_all(system, "例行核对一下"), "R53")


def test_R51_who_reveals_something_else_is_named_and_nothing_is_drawn(unit: Room) -> None:
    held = unit.plan("ji", "shu")
    for party in ("ji", "shu"):
        held = unit.commit(held, party)
    desk, shu = unit.draws.desk, unit.who("shu")
    refused(lambda: desk.reveal(shu, held.draw_id, nonce("shu"), b"6-3-2"), "R51", "shu", "不一致")
    after = unit.draws.checks.get(unit.who("ji"), held.draw_id)
    assert (after.state, after.missing, after.drawn) == (DrawState.REVEALING, ("ji", "shu"), ())
    assert ("shu", "reveal-draw", "refused R51") in unit.trail()


def test_R51_nobody_reveals_before_all_have_committed(unit: Room) -> None:
    held = unit.commit(unit.plan("ji", "shu"), "ji")
    refused(lambda: unit.reveal(held, "ji"), "R51", "shu")
    shown = unit.draws.checks.get(unit.who("shu"), held.draw_id)
    assert nonce("ji") not in shown.draw.encode()  # the second party sees a digest and no more


def test_R51_who_may_not_take_part_is_named_and_the_rule_once(unit: Room) -> None:
    with pytest.raises(RuleViolation) as caught:
        unit.plan("ji", "wang", by="ji")
    assert caught.value.message_zh.startswith("wang")
    assert caught.value.message_zh.count("规则R51") == 1


def test_R51_a_party_commits_once_and_only_for_itself(unit: Room) -> None:
    held = unit.commit(unit.plan("ji", "shu"), "ji")
    refused(lambda: unit.commit(held, "ji"), "R51", "不能更改")
    refused(lambda: unit.commit(held, "li"), "R51", "参加方")
    foreign = commit(held.draw.plan, Reveal("shu", nonce("ji"), b"1"))
    unit.draws.desk.commit(unit.who("shu"), held.draw_id, foreign)
    refused(lambda: unit.reveal(held, "shu"), "R51", "不一致")


def test_R51_one_draw_at_a_time(unit: Room) -> None:
    unit.plan("ji", "shu")
    with pytest.raises(Conflict) as caught:
        unit.plan("ji", "li")
    assert "R51" in caught.value.message_zh
    unit.plan("ji", "li", kind=CheckKind.UNIT_DECLARATIONS)


def test_R51_a_higher_percentage_is_drawn_and_a_lower_refused(unit: Room) -> None:
    wanted = Wanted(CheckKind.UNIT_MATTERS, 2018, "", ("ji", "shu"), 29)
    refused(lambda: unit.draws.desk.plan(unit.who("ji"), wanted), "R51", "30%")
    held = unit.complete(unit.draws.desk.plan(unit.who("ji"), replace(wanted, percent=55)))
    assert len(held.drawn) == 6


# --- silence ------------------------------------------------------------------------------------


def test_R51_a_draw_is_void_after_three_days_of_silence_and_repeated_without_the_silent(
    unit: Room,
) -> None:
    held = unit.plan("ji", "shu", "li")
    for party in ("ji", "li", "shu"):
        held = unit.commit(held, party)
    for party in ("ji", "li"):
        held = unit.reveal(held, party)
    desk, ji = unit.draws.desk, unit.who("ji")
    refused(lambda: desk.void(ji, held.draw_id, "一直没有揭示"), "R51", "shu", "3天")
    unit.pass_days(3)
    void = desk.void(ji, held.draw_id, "一直没有揭示")
    assert (void.state, void.missing) == (DrawState.VOID, ("shu",))
    with pytest.raises(WrongState):
        unit.reveal(held, "shu")
    with pytest.raises(Conflict):
        unit.plan("ji", "li")  # not another one: the same items again
    unit.matters = {UNIT: items(*range(10), 77)}
    again = unit.complete(desk.repeat(ji, held.draw_id, ()))
    assert again.draw.plan.parties == ("ji", "li")
    assert again.draw.plan.replaces == held.draw.plan.digest
    assert again.quota.population == held.quota.population
    assert len(again.drawn) == 3
    with pytest.raises(Conflict):
        desk.repeat(ji, held.draw_id, ())
    year = unit.draws.checks.year(ji, 2018)
    assert [one.state for one in year.draws] == [DrawState.VOID, DrawState.CHECKING]


def test_R51_a_party_may_give_up_at_once_and_another_takes_its_place(unit: Room) -> None:
    held = unit.commit(unit.plan("ji", "shu"), "ji")
    desk = unit.draws.desk
    refused(lambda: desk.void(unit.who("ji"), held.draw_id, "重新抽取一次"), "R51")
    desk.void(unit.who("shu"), held.draw_id, "外出学习")
    refused(lambda: desk.repeat(unit.who("ji"), held.draw_id, ()), "R51")
    refused(lambda: desk.repeat(unit.who("ji"), held.draw_id, ("shu",)), "R51")
    again = desk.repeat(unit.who("ji"), held.draw_id, ("li",))
    assert again.draw.plan.parties == ("ji", "li")


def test_R51_what_is_drawn_stays_drawn(unit: Room) -> None:
    held = unit.draw("ji", "shu")
    unit.pass_days(30)
    refused(lambda: unit.draws.desk.void(unit.who("ji"), held.draw_id, "重新抽取一次"), "R51")
    with pytest.raises(WrongState):
        unit.draws.desk.repeat(unit.who("ji"), held.draw_id, ())


# --- results ------------------------------------------------------------------------------------


def test_R51_a_result_is_for_a_drawn_item_once(unit: Room) -> None:
    held = unit.draw("ji", "shu")
    outside = next(iter(unit.matters[UNIT].difference(held.drawn)))
    refused(lambda: record(unit, held, outside), "R51", "未被抽中")
    record(unit, held, held.drawn[0])
    refused(lambda: record(unit, held, held.drawn[0]), "R51", "不能重复")


def test_R51_a_check_is_not_finished_while_results_are_missing(unit: Room) -> None:
    held = unit.draw("ji", "shu")
    finish = unit.draws.checks.finish
    for one in held.drawn[:2]:
        record(unit, held, one)
    refused(lambda: finish(unit.who("ji"), held.draw_id), "R51", "还有1个")
    record(unit, held, held.drawn[2])
    assert finish(unit.who("ji"), held.draw_id).state is DrawState.FINISHED
    with pytest.raises(Conflict):
        record(unit, held, held.drawn[0])


def test_R51_nothing_is_recorded_before_the_draw(unit: Room) -> None:
    held = unit.plan("ji", "shu")
    with pytest.raises(WrongState):
        record(unit, held, item(1))
    assert unit.draws.checks.show(unit.who("ji"), held.draw_id, "准备抽查") == []


def test_R53_a_finding_is_a_lead_that_is_recorded_here(unit: Room) -> None:
    held = unit.draw("ji", "shu")
    unknown = (held.drawn[0], CheckVerdict.FINDING, "与户籍不一致", b"x" * 16)
    refused(
        lambda: unit.draws.checks.record(unit.who("ji"), held.draw_id, *unknown), "R51", "先登记"
    )
    without = (held.drawn[0], CheckVerdict.FINDING, "与户籍不一致", b"")
    refused(lambda: unit.draws.checks.record(unit.who("ji"), held.draw_id, *without), "R51", "线索")


def test_R63_each_drawn_item_that_is_looked_at_is_in_the_trail_with_the_reason(unit: Room) -> None:
    held = unit.draw("ji", "shu")
    refused(lambda: unit.draws.checks.show(unit.who("ji"), held.draw_id, " "), "R63")
    shown = unit.draws.checks.show(unit.who("ji"), held.draw_id, "年度抽查")
    assert [one.item for one in shown] == list(held.drawn)
    assert unit.trail()[-4:] == [
        *[("ji", "show-drawn-item", "ok")] * 3,
        ("ji", "show-drawn-items", "ok"),
    ]
    refused(lambda: unit.draws.checks.show(unit.who("shu"), held.draw_id, "想看"), "R51")


# --- the year -----------------------------------------------------------------------------------


def test_R51_a_second_draw_of_the_year_is_of_what_came_since(unit: Room) -> None:
    first = unit.draw("ji", "shu")
    refused(lambda: unit.plan("ji", "shu"), "R51", "没有新增")
    unit.matters = {UNIT: items(*range(14))}
    second = unit.draw("ji", "shu")
    assert second.quota.population == items(10, 11, 12, 13)
    assert second.draw.plan.title.endswith("#2")
    assert len(second.drawn) == 2
    for held in (first, second):
        for one in held.drawn:
            record(unit, held, one)
    (_, matters) = unit.draws.checks.year(unit.who("ji"), 2018).quotas
    assert (matters.coverage.required, matters.coverage.checked, matters.new) == (5, 5, 0)


def test_R51_what_is_short_after_the_due_day_shows(unit: Room) -> None:
    held = unit.draw("ji", "shu")
    record(unit, held, held.drawn[0])
    (_, matters) = unit.draws.checks.year(unit.who("shu"), 2018).quotas
    assert (matters.coverage.short, matters.overdue, str(matters.due_on)) == (
        2,
        False,
        "2019-03-31",
    )
    unit.pass_days(175)
    year = unit.draws.checks.year(unit.who("ji"), 2018)
    assert [year.is_overdue(one) for one in year.draws] == [True]


def test_R51_a_year_that_has_not_begun_is_not_drawn_from(unit: Room) -> None:
    wanted = Wanted(CheckKind.UNIT_MATTERS, 2019, "", ("ji", "shu"))
    refused(lambda: unit.draws.desk.plan(unit.who("ji"), wanted), "R51", "尚未开始")


# --- 纪委 ---------------------------------------------------------------------------------------


def test_R52_two_officers_draw_a_tenth_of_the_districts_flagged_matters(commission: Room) -> None:
    held = commission.draw("zhang", "chen")
    everything = frozenset().union(*commission.matters.values())
    assert len(held.drawn) == 3  # 2.1 rounded up
    assert set(held.drawn) < everything
    reveals = {party: (nonce(party), b"6-3-1") for party in ("zhang", "chen")}
    assert draw_again(held.draw.plan.encode(), reveals, everything, 3) == held.drawn


def test_R52_one_officer_alone_draws_nothing(commission: Room) -> None:
    refused(lambda: commission.plan("zhang"), "R52", "2至32方")


def test_R52_what_is_not_flagged_is_never_checked(commission: Room) -> None:
    held = commission.draw("zhang", "chen")
    refused(lambda: record(commission, held, item(999), by="zhang"), "R52", "未被抽中")
    refused(
        lambda: commission.plan("zhang", "chen", kind=CheckKind.UNIT_DECLARATIONS), "R52", "没有"
    )


def test_R52_units_roles_draw_nothing_at_the_commission(commission: Room) -> None:
    for login in ("ji", "wang", "guan"):
        refused(partial(commission.plan, "zhang", "chen", by=login), "R52")


def test_an_unknown_draw_is_not_found(unit: Room) -> None:
    with pytest.raises(NotFound):
        unit.draws.checks.get(unit.who("ji"), bytes(16))


def test_a_kept_draw_reads_back_as_its_record(unit: Room) -> None:
    held = unit.draw("ji", "shu")
    kept = unit.draws.checks.get(unit.who("ji"), held.draw_id)
    assert decode_draw(kept.draw.encode()) == kept.draw
    assert kept.drawn == held.drawn
