"""Undeclared relatives among officials (R15, R53): who finds what, who learns nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from libmatch.consistency import (
    Route,
    derive_consistency_key,
    find_claims,
)
from libmatch.letters import seal_info
from services.chassis.audit import entries
from services.chassis.refusals import InvalidRequest, NotFound, WrongState
from services.registry.consistency.values import FindingState
from services.registry.store.consistency import apply_lacking
from tests.district import person
from tests.unit.services.registry.consistency_bench import (
    LI,
    LI_HAS_WANG,
    SIBLING,
    UNIT_B,
    WANG,
    ZHAO,
    Cross,
    Unit,
    li,
    wang,
)
from tests.unit.services.registry.sheets_of_declarations import row


@pytest.fixture
def cross(tmp_path: Path) -> Iterator[Cross]:
    with Cross(tmp_path) as cross:
        yield cross


@pytest.fixture
def found(cross: Cross) -> Cross:
    """reg-a told reg-b of 王某, whom 李某 does not declare."""
    cross["reg-a"].declare(wang())
    cross["reg-b"].declare(li())
    cross.rounds()
    return cross


def test_R53_a_declared_official_who_declares_back_is_no_finding(cross: Cross) -> None:
    cross["reg-a"].declare(wang())
    cross["reg-b"].declare(li(), LI_HAS_WANG)
    cross.rounds()
    assert [unit.findings(decided=True) for unit in cross.units.values()] == [[], [], []]


def test_R53_one_who_does_not_is_found_by_his_own_unit_alone(found: Cross) -> None:
    assert found["reg-b"].texts() == [("李某", "王某", SIBLING)]
    (shown,) = found["reg-b"].findings()
    assert (shown.sender_name, shown.finding.told.unit) == ("测试单位reg-a", "某局")
    assert found["reg-a"].findings(decided=True) == found["reg-c"].findings(decided=True) == []


def test_the_unit_that_told_it_learns_nothing_from_what_comes_back(tmp_path: Path) -> None:
    """Two worlds, in which 李某 does or does not declare 王某, look the same to reg-a but for time."""
    seen = []
    for number, rows in enumerate(((li(),), (li(), LI_HAS_WANG))):
        (tmp_path / str(number)).mkdir()
        with Cross(tmp_path / str(number)) as cross:
            cross["reg-a"].declare(wang())
            cross["reg-b"].declare(*rows)
            cross.rounds(3)
            seen.append(dump(cross["reg-a"], "consistency_finding", "consistency_heard"))
    assert seen[0] == seen[1]


def dump(unit: Unit, *tables: str) -> list[object]:
    with sqlite3.connect(unit.database.path) as connection:
        rows = [connection.execute(f"SELECT count(*) FROM {name}").fetchall() for name in tables]
    connection.close()
    return [*rows]


def test_both_directions_are_covered_because_both_units_write(cross: Cross) -> None:
    cross["reg-a"].declare(row(ZHAO, "赵某", official=WANG, official_name="王某"))
    cross["reg-b"].declare(
        row(WANG, "王某", "子女", official=LI, official_name="李某", 亲属单位="测试单位 reg-a")
    )
    cross.rounds()
    assert cross["reg-a"].texts() == [("王某", "李某", "子女")]
    assert cross["reg-b"].findings() == []


@pytest.mark.parametrize("relation", ["配偶", "子女", "本人的父母", "本人的兄弟姐妹"])
def test_R15_mutual_relations_are_asked_about(cross: Cross, relation: str) -> None:
    cross["reg-a"].declare(wang(relation))
    cross["reg-b"].declare(li())
    cross.rounds()
    assert len(cross["reg-b"].findings()) == 1


@pytest.mark.parametrize("relation", ["配偶的兄弟姐妹", "子女的配偶", "孙子女", "本人的祖父母"])
def test_R15_other_relations_are_not(cross: Cross, relation: str) -> None:
    cross["reg-a"].declare(wang(relation))
    cross["reg-b"].declare(li())
    cross.rounds()
    assert cross["reg-b"].findings() == []
    assert cross["reg-a"].office.desk.state().sorted.claims == 0


def test_a_third_unit_opens_nothing(cross: Cross) -> None:
    """Not what is sealed to another, and with the epoch's key not even the body of a letter."""
    cross["reg-a"].declare(wang())
    cross["reg-a"].round()
    (accepted,) = cross.matcher.use.letters.fetch("reg-b", 0, 10)
    letter, district = accepted.letter, cross.district
    third = district.keys("reg-c").hpke
    assert third.open(letter.sealed, letter.seal_info()) is None
    assert third.open(letter.sealed, seal_info(letter.epoch, "reg-a", "reg-c", letter.seq)) is None
    body = district.keys("reg-b").hpke.open(letter.sealed, letter.seal_info())
    assert body is not None
    key = derive_consistency_key(district.suite, district.holder("reg-c").key)
    route = Route("reg-a", "reg-b", letter.seq)
    assert list(find_claims(district.suite, key, route, body, [ZHAO, WANG])) == []


def test_unknown_officials_are_not_kept(cross: Cross) -> None:
    cross["reg-a"].declare(wang())
    cross["reg-b"].declare(row(ZHAO, official=person(7), official_name="钱某"))
    cross.rounds()
    assert cross["reg-b"].findings(decided=True) == []
    cross["reg-b"].database.close()
    stored = cross["reg-b"].database.path.read_bytes()
    assert "王某".encode() not in stored
    assert LI.idn.encode() not in stored


def test_R20_a_declaration_that_is_mended_closes_its_finding(found: Cross) -> None:
    found["reg-b"].declare(li(), LI_HAS_WANG)
    found["reg-b"].round()
    assert found["reg-b"].findings() == []
    (shown,) = found["reg-b"].findings(decided=True)
    assert shown.finding.state is FindingState.CLOSED


def test_a_finding_that_comes_back_opens_again(found: Cross) -> None:
    found["reg-b"].declare(li(), LI_HAS_WANG)
    found["reg-b"].round()
    found["reg-b"].withdraw("李某", "王某")
    found.clock.moment += timedelta(days=7)
    found.rounds()
    (shown,) = found["reg-b"].findings(decided=True)
    assert shown.finding.state is FindingState.OPEN
    assert shown.finding.found_at == found.clock.moment


def test_a_finding_closes_when_the_other_side_withdraws_it(found: Cross) -> None:
    found["reg-a"].withdraw("王某", "李某")
    found.clock.moment += timedelta(days=1)
    found.rounds()
    assert found["reg-b"].findings() == []


def test_R18_a_relative_of_that_name_without_a_number_is_taken_for_him(cross: Cross) -> None:
    cross["reg-a"].declare(wang())
    cross["reg-b"].declare(row(None, "王某", SIBLING, official=LI, official_name="李某"))
    cross.rounds()
    assert cross["reg-b"].findings() == []
    cross["reg-b"].declare(row(person(55), "王某", SIBLING, official=LI, official_name="李某"))
    cross.clock.moment += timedelta(days=7)
    cross.rounds()
    assert cross["reg-b"].texts() == [("李某", "王某", SIBLING)]


def test_whatever_relation_he_declares_him_by_he_is_declared(cross: Cross) -> None:
    cross["reg-a"].declare(wang())
    cross["reg-b"].declare(li(of=WANG, name="王某", relation="配偶的兄弟姐妹"))
    cross.rounds()
    assert cross["reg-b"].findings() == []


def test_two_officials_of_one_unit_are_checked_without_a_letter(cross: Cross) -> None:
    cross["reg-a"].declare(wang(unit="随便什么单位"), li())
    cross["reg-a"].round()
    assert cross["reg-a"].texts() == [("李某", "王某", SIBLING)]
    state = cross["reg-a"].office.desk.state()
    assert (len(state.sorted.here), state.sorted.claims, state.sorted.unresolved) == (1, 0, {})
    cross["reg-a"].declare(li(), LI_HAS_WANG)
    cross["reg-a"].round()
    assert cross["reg-a"].findings() == []


def test_a_work_unit_that_is_no_member_is_counted(cross: Cross) -> None:
    texts = ("某某公司", "某某公司", "测试单位ben-a", "", " － ", "无")
    cross["reg-a"].declare(
        wang(unit="测试单位 ＲＥＧ-Ｂ"),
        *(
            row(
                person(70 + i),
                f"钱{'甲乙丙丁戊己'[i]}",
                "子女",
                official=WANG,
                official_name="王某",
            )
            | {"亲属单位": text}
            for i, text in enumerate(texts)
        ),
        row(None, "孙某", "子女", official=WANG, official_name="王某", 亲属单位=UNIT_B),
    )
    found = cross["reg-a"].office.desk.state().sorted
    assert found.unresolved == {"某某公司": 2, "测试单位ben-a": 1}
    assert (found.claims, found.unnumbered) == (1, 1)


def test_who_is_said_to_work_here_and_is_no_official_here_is_asked_for_nowhere(
    cross: Cross,
) -> None:
    cross["reg-a"].declare(wang(unit="测试单位reg-a"))
    found = cross["reg-a"].office.desk.state().sorted
    assert (found.claims, found.here, found.unresolved) == (0, [], {})


def test_R19_an_unsigned_declaration_neither_asks_nor_is_found_lacking(cross: Cross) -> None:
    cross["reg-a"].declare(wang())
    cross["reg-b"].declare(li())
    unsign(cross["reg-b"])
    cross.rounds()
    assert cross["reg-b"].findings() == []
    unsign(cross["reg-a"])
    assert cross["reg-a"].office.desk.state().sorted.claims == 0


def test_an_official_who_was_withdrawn_is_none_any_more(found: Cross) -> None:
    for name in ("赵某", "李某"):
        found["reg-b"].withdraw("李某", name)
    found["reg-b"].round()
    assert found["reg-b"].findings() == []
    found.clock.moment += timedelta(days=7)
    found.rounds()
    assert found["reg-b"].findings() == []


class TestDecisions:
    @pytest.mark.parametrize("state", [FindingState.SETTLED, FindingState.DISMISSED])
    def test_what_people_decided_stays_decided(self, found: Cross, state: FindingState) -> None:
        unit = found["reg-b"]
        (shown,) = unit.findings()
        unit.office.desk.decide(unit.clerk, shown.finding.finding_id, state, "已找本人核实")
        found.clock.moment += timedelta(days=7)
        found.rounds()
        assert unit.findings() == []
        (shown,) = unit.findings(decided=True)
        finding = shown.finding
        assert (finding.state, finding.grounds, finding.decided_by) == (state, "已找本人核实", "li")

    def test_what_people_decided_stays_decided_in_the_next_epoch(self, found: Cross) -> None:
        """Pairs are of one epoch; what is told of them is not."""
        unit, epoch = found["reg-b"], bytes(range(32))
        (shown,) = unit.findings()
        before = shown.finding
        unit.office.desk.decide(unit.clerk, before.finding_id, FindingState.DISMISSED, "同名误报")
        told = [
            replace(before.told, pair=b"p" * 32),
            replace(before.told, pair=b"q" * 32, name="孙某"),
        ]
        unit.database.run_tx(
            "next", lambda session: apply_lacking(session, "reg-a", epoch, told, found.clock())
        )
        known, new = (one.finding for one in unit.findings(decided=True))
        assert {known.finding_id, new.finding_id} > {before.finding_id}
        states = {one.told.name: (one.state, one.epoch) for one in (known, new)}
        assert states == {
            "王某": (FindingState.DISMISSED, epoch),
            "孙某": (FindingState.OPEN, epoch),
        }

    def test_R63_looks_and_decisions_leave_their_trail(self, found: Cross) -> None:
        unit = found["reg-b"]
        (shown,) = unit.findings()
        about = (shown.finding.finding_id, FindingState.DISMISSED, "同名同姓，经核实不是亲属")
        unit.office.desk.decide(unit.clerk, *about)
        with pytest.raises(WrongState):
            unit.office.desk.decide(unit.clerk, *about)
        trail = unit.database.read(lambda session: list(entries(session, limit=100)))
        told = [(one.action, one.outcome) for one in trail if "finding" in one.action]
        assert sorted(told) == [
            ("dismiss-finding", "ok"),
            ("dismiss-finding", "refused FINDING_DECIDED"),
            ("list-findings", "ok"),
        ]
        assert {one.reason for one in trail if one.action == "list-findings"} == {"核对亲属申报"}

    def test_grounds_are_needed_and_hold_no_numbers(self, found: Cross) -> None:
        unit = found["reg-b"]
        (shown,) = unit.findings()
        for grounds in ("", f"本人{LI.idn}"):
            with pytest.raises(InvalidRequest):
                unit.office.desk.decide(
                    unit.clerk, shown.finding.finding_id, FindingState.SETTLED, grounds
                )
        assert len(unit.findings()) == 1

    def test_an_unknown_finding_is_not_found(self, found: Cross) -> None:
        unit = found["reg-b"]
        with pytest.raises(NotFound):
            unit.office.desk.decide(unit.clerk, bytes(16), FindingState.SETTLED, "已核实")


def unsign(unit: Unit) -> None:
    """As if the forms had come without signature."""
    statement = sa.text("UPDATE official SET unsigned = 1")
    unit.database.run_tx("unsign", lambda session: session.execute(statement))
