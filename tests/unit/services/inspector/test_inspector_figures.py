"""The district in numbers at 纪委: what is counted, what is late, who reports where; never a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from libmatch.errors import ServiceError
from libmatch.stubs.figures.v1 import figures_pb2 as pb
from services.chassis.config import ConfigError, load_settings
from services.chassis.identity import Identity
from services.chassis.refusals import Refused
from services.cli.peers.figures import FigureLines, FiguresClient, FilingsClient
from services.cli.peers.statements import OversightClient
from services.inspector import rpc
from services.inspector.config import Settings
from services.inspector.states import ReleasePolicy
from services.process.rpc import oversight
from services.rules.matter_facts import Recipient, Verdict
from services.rules.matter_steps import Conclude, Inform, Take
from tests.district import District, person
from tests.figures_district import make_district_data
from tests.inspector_bench import ZHANG, Fuse, Handlers, InspectorBench, Wire, item, relative
from tests.unit.services.inspector.matter_scene import BEN, LEADER, REG, SYSTEM, WORKER, Scene

SUN = Identity.parse("spiffe://fuling/organisation/sun")  # of 区委组织部


class FigureBench(InspectorBench):
    """A workstation that counts by the units and deadlines of ``tests.figures_district``."""

    def __init__(self, folder: Path, district: District) -> None:
        self.folder = folder
        super().__init__(folder, district, ReleasePolicy.IMMEDIATE)

    def open(self) -> None:
        super().open()
        data = make_district_data(self.folder)
        told = replace(self.use.figures, data=data)
        forms = replace(self.use.file_forms, names=told.names)
        statements = replace(self.use.statements, names=told.names)
        self.use = replace(self.use, figures=told, file_forms=forms, statements=statements)

    def wire_of(self, officer: Identity) -> Wire:
        return Wire(Handlers(lambda server: rpc.register(server, self.use)), officer, Fuse())

    def figures(self) -> FigureLines:
        return FiguresClient(self.wire_of(ZHANG)).list_figures()

    def counts(self, unit: str) -> dict[str, int]:
        """What differs from zero."""
        told = self.figures()
        lines = {line.unit: line for line in told.units}
        line = lines[unit] if unit else told.district
        assert line is not None
        return {name: number for name, number in line.counts.items() if number}


@pytest.fixture
def counting(tmp_path: Path, district: District) -> Iterator[FigureBench]:
    with FigureBench(tmp_path, district) as bench:
        yield bench


def conclude(verdict: Verdict) -> Conclude:
    return Conclude(verdict, "符合条件", "wang", b"")


def test_R55_a_unit_has_filed_when_its_first_batch_came_and_matters_are_its_that_approves(
    counting: FigureBench,
) -> None:
    scene = Scene(counting)
    assert counting.counts("reg-a") == {
        "expected": 1,
        "filed": 1,
        "declaration_records": 1,
        "concerning": 1,
        "officials": 1,
    }
    assert counting.counts("ben-a") == {"expected": 1, "item_records": 1, "notified": 1}
    scene.do(WORKER, Take())
    scene.do(LEADER, conclude(Verdict.COMPLIANT))
    counting.pull()
    told = counting.counts("ben-a")
    assert (told["notified"], told["verified"], told["compliant"]) == (1, 1, 1)
    assert "overdue" not in told


def test_R39_a_matter_without_an_outcome_is_overdue_when_its_day_is_over(
    counting: FigureBench,
) -> None:
    Scene(counting)
    counting.matcher.clock.moment += timedelta(days=15)
    assert "overdue" not in counting.counts("ben-a")
    counting.matcher.clock.moment += timedelta(days=1)
    assert counting.counts("ben-a")["overdue"] == counting.counts("")["overdue"] == 1


def test_R10_two_units_that_declare_one_official_are_one_matter_and_one_person(
    counting: FigureBench,
) -> None:
    for unit in ("reg-a", "reg-b"):
        counting.submit(unit, REG, [relative(person(1))])
    counting.submit("ben-a", BEN, [item(person(1))])
    counting.pull()
    for unit in ("reg-a", "reg-b"):
        assert (counting.counts(unit)["concerning"], counting.counts(unit)["officials"]) == (1, 1)
    whole = counting.counts("")
    assert (whole["notified"], whole["concerning"], whole["officials"]) == (1, 1, 1)
    assert whole["declaration_records"] == 2


def test_R7_a_reporting_unit_that_is_not_enrolled_or_never_reported_is_told_loudly(
    counting: FigureBench,
) -> None:
    Scene(counting)
    missing = {unit: what for unit, _, what in counting.figures().missing}
    assert missing == {
        "ghost": "未列入名册，不能申报",
        "ben-a": "未列入名册，不能申报",  # enrolled for items alone
        "reg-b": "已列入名册，尚未提交申报",
    }


def test_R55_figures_hold_no_person() -> None:
    texts = {f.name for f in pb.UnitFigures.DESCRIPTOR.fields if f.type == f.TYPE_STRING}
    assert texts == {"unit", "display_name"}


# --- deadlines ------------------------------------------------------------------------------------


def late(counting: FigureBench) -> set[tuple[str, str, str, int]]:
    told = FiguresClient(counting.wire_of(ZHANG)).list_deadlines()
    return {(one.rule, one.unit, one.done_on, one.days) for one in told.late}


def test_R57_R58_R59_R60_what_is_late_is_told_by_unit(counting: FigureBench) -> None:
    Scene(counting)  # on 2026-06-01: declarations in time, items too
    assert late(counting) == {("R57", u, "", 12) for u in ("reg-a", "ben-a", "ghost", "reg-b")}
    register = FilingsClient(counting.wire_of(ZHANG))
    register.record("reg-a", "责任领导", "备2026-1", "2026-05-19")
    register.record("reg-a", "工作人员", "备2026-2", "2026-05-21")
    register.record("ben-a", "责任领导", "备2026-3", "2026-05-19")
    counting.matcher.clock.moment += timedelta(days=22)
    assert late(counting) == {
        ("R57", "reg-a", "2026-05-21", 1),
        ("R57", "ben-a", "", 34),  # one of two
        ("R57", "ghost", "", 34),
        ("R57", "reg-b", "", 34),
        ("R58", "ben-a", "", 22),
        ("R58", "ghost", "", 22),
        ("R58", "reg-b", "", 22),
        ("R60", "reg-a", "", 3),  # its matter is not even verified
        ("R60", "ben-a", "", 3),
        ("R60", "ghost", "", 3),
        ("R60", "reg-b", "", 3),
    }
    told = FiguresClient(counting.wire_of(ZHANG)).list_deadlines("2026")
    assert [(d.rule, d.units, d.done) for d in told.deadlines] == [
        ("R57", 4, 1),
        ("R58", 4, 1),
        ("R59", 1, 1),
        ("R60", 4, 0),
    ]


def test_R60_a_unit_with_nothing_to_publish_is_through_with_the_match(
    counting: FigureBench,
) -> None:
    scene = Scene(counting)
    scene.do(WORKER, Take())
    scene.do(LEADER, conclude(Verdict.NOT_COMPLIANT))
    counting.pull()
    counting.matcher.clock.moment += timedelta(days=22)
    assert {unit for rule, unit, *_ in late(counting) if rule == "R60"} == {"ghost", "reg-b"}


def test_R57_a_filing_is_refused_for_a_stranger_a_day_to_come_and_a_persons_number(
    counting: FigureBench,
) -> None:
    register = FilingsClient(counting.wire_of(ZHANG))
    for unit, number, day, said in (
        ("nobody", "备1", "2026-05-01", "R7"),
        ("reg-a", "备1", "2026-06-02", "R57"),
        ("reg-a", person(1).idn, "2026-05-01", "备案号"),
        ("reg-a", "", "2026-05-01", "备案号"),
    ):
        with pytest.raises(ServiceError) as refusal:
            register.record(unit, "工作人员", number, day)
        assert said in refusal.value.message_zh
    assert register.list_all() == []


# --- who reports where ----------------------------------------------------------------------------


def test_R8_R9_R10_R11_R12_who_reports_to_whom_on_a_day(counting: FigureBench) -> None:
    client = FiguresClient(counting.wire_of(ZHANG))
    told = {line.unit: line for line in client.list_receivers()}
    assert (told["reg-a"].where_rule, told["reg-a"].receivers) == ("R8", ("reg-a",))
    assert (told["tax-post"].where_rule, told["tax-post"].receivers) == ("R10", ("reg-a", "reg-b"))
    group = told["group-3"]
    assert (group.where_rule, group.receivers, group.copies) == ("R11", ("ben-a",), ("reg-a",))
    village = told["yi-cun"]
    assert (village.where_rule, village.receivers, village.who_rule) == ("R12", ("reg-b",), "R5")
    assert (told["reg-b"].who_rule, told["reg-a"].who_rule) == ("R4", "R1")
    to_b = {line.unit for line in client.list_receivers("reg-b", "2026-06-01")}
    assert to_b == {"reg-b", "yi-cun", "tax-post"}
    with pytest.raises(ServiceError) as refusal:
        client.list_receivers("nobody")
    assert "R7" in refusal.value.message_zh


# --- the organisation department ------------------------------------------------------------------


def test_R50_organisation_department_sees_statements_alone() -> None:
    for service in rpc.ACCESS.services:
        allowed = [who for who in (ZHANG, SUN) if rpc.ACCESS.allows(who.role, service)]
        assert allowed == ([SUN] if service == oversight.SERVICE else [ZHANG])


@pytest.mark.parametrize("path", ["organisation", "organisation/li/2", "clerk/reg-a/li"])
def test_R50_who_is_no_officer_is_not_admitted(path: str) -> None:
    rpc.admit_officer(SUN, oversight.SERVICE)
    with pytest.raises(Refused):
        rpc.admit_officer(Identity.parse(f"spiffe://fuling/{path}"), oversight.SERVICE)


def test_settings_name_units_and_deadlines_together(tmp_path: Path) -> None:
    lines = ['unit = "jiwei"', 'kit = "kit"', 'passphrase = "p"']
    lines += ["[matcher]", 'address = "127.0.0.1:1"', 'identity = "spiffe://fuling/matcher"']
    lines += ["[listen]", 'address = "127.0.0.1:0"', "[database]", 'path = "db"', "[tls]"]
    lines += ['certificate = "c"', 'private_key = "k"', 'ca = "a"']
    config = tmp_path / "config.toml"
    config.write_text("\n".join(lines), encoding="utf-8")
    for name in ("p", "c", "k", "a"):
        (tmp_path / name).touch(mode=0o600)
    (tmp_path / "p").write_text("passphrase", encoding="utf-8")
    assert load_settings(Settings, config, "X").units is None
    config.write_text("\n".join(['units = "u.toml"', *lines]), encoding="utf-8")
    with pytest.raises(ConfigError):
        load_settings(Settings, config, "X")


def test_R50_nobody_else_counts_statements(counting: FigureBench) -> None:
    with pytest.raises(ServiceError) as refusal:
        OversightClient(counting.wire_of(ZHANG)).count()
    assert "R50" in refusal.value.message_zh
    assert OversightClient(counting.wire_of(SUN)).count()[0] == "2026-06-01"


def statements(counting: FigureBench) -> dict[str, tuple[int, int, int, int]]:
    """Unit → owed, complete, partial, overdue; without units that owe nothing."""
    counting.pull()
    _, lines = OversightClient(counting.wire_of(SUN)).count()
    return {u.unit: (u.owed, u.complete, u.partial, u.overdue) for u in lines if u.owed}


def test_R49_an_official_owes_a_statement_of_the_year_in_which_his_unit_was_told(
    counting: FigureBench,
) -> None:
    scene = Scene(counting)
    scene.do(SYSTEM, Inform(Recipient.UNIT, "00" * 16))
    scene.state(2027, date(2026, 5, 30))  # of another year: nothing is settled by it
    assert statements(counting) == {"reg-a": (1, 0, 0, 0)}
    counting.matcher.clock.moment = counting.matcher.clock.moment.replace(year=2027)
    assert statements(counting) == {"reg-a": (1, 0, 0, 1)}


def test_R49_an_official_with_a_new_matter_has_explained_in_part(counting: FigureBench) -> None:
    scene = Scene(counting)
    scene.state(2026, date(2026, 5, 31))
    assert statements(counting) == {"reg-a": (1, 1, 0, 0)}
    counting.submit("ben-b", BEN, [item(person(1), "X-2")])
    assert statements(counting) == {"reg-a": (1, 0, 1, 0)}


def test_R37_R49_what_was_withdrawn_needs_no_explanation(counting: FigureBench) -> None:
    scene = Scene(counting)
    counting.matcher.withdraw("ben-a", BEN, [scene.rid])
    assert statements(counting) == {}


def test_R10_R49_either_unit_of_an_official_in_two_units_reports_his_statement(
    counting: FigureBench,
) -> None:
    scene = Scene(counting)
    counting.submit("reg-b", REG, [relative(person(1))])
    assert statements(counting) == {"reg-a": (1, 0, 0, 0), "reg-b": (1, 0, 0, 0)}
    scene.state(2026, date(2026, 5, 31))
    assert statements(counting) == {"reg-a": (1, 1, 0, 0), "reg-b": (1, 1, 0, 0)}
