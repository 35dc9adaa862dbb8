"""Officials explain their matters once a year, at the meeting of their kind; 纪委 learns it (R49, R50)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copyfile

import pytest
from sqlmodel import Session, col, select

from libmatch.keys import HpkePrivateKey
from libmatch.notices import OfficialNotice
from libmatch.records import Side
from libmatch.reports import Report, Stage
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.holder.figures import UnitFigureBook
from services.holder.store import matters as matter_store
from services.holder.tables import Notice, OwnReportRow
from services.process.statements import decode_stated
from services.registry.app import VERSIONS
from services.registry.statements import Held, Shown, YearlyStatements, party_member
from services.registry.store import Store
from services.registry.store.people import read_people
from services.registry.tables import OfficialRow, RelativeRow
from services.rules.deadlines import Campaign, Deadline, Step
from services.rules.matter_facts import Matter, State
from services.rules.ruleset import packaged_rulesets
from services.rules.statements import Meeting
from services.rules.violation import RuleViolation
from tests.district import INSPECTOR, NOW, District, make_district, person
from tests.unit.services.holder.bench import make_material
from tests.unit.services.registry.conftest import Registry
from tests.unit.services.registry.sheets_of_declarations import sheet
from tests.unit.services.registry.signoff_bench import (
    DISTRICT,
    HEAD,
    LEADER,
    ORGAN,
    UNIT,
    WORKER,
    Office,
    form,
)

LIFE, STAFF_MEETING = Meeting.ORGANISATION_LIFE, Meeting.STAFF
RULES = packaged_rulesets()


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=(UNIT,), beneficiary=("ben-a",))


@dataclass
class Meetings:
    """A registry with its people, officials and matters; ``told`` opens a case."""

    office: Office
    district: District
    woken: list[None] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.office.database

    @property
    def use(self) -> YearlyStatements:
        material = make_material(self.district, UNIT, Side.REGISTRY)
        now, wake = lambda: self.office.now, lambda: self.woken.append(None)
        return YearlyStatements(self.database, material, self.office.accounts, RULES, now, wake)

    def told(self, case: bytes, number: int = 1, at: datetime = NOW) -> bytes:
        """The unit was told of a case about declared person ``number``; its id."""
        case_id, idn = case * 16, person(number).idn

        def run(session: Session) -> None:
            (relative,) = session.exec(select(RelativeRow).where(col(RelativeRow.idn) == idn))
            session.add(
                Notice(
                    notice_id=case_id,
                    received_at=at,
                    opened=True,
                    disputed=False,
                    subject=relative.ref,
                    epoch=b"e",
                    hit_id=case_id,
                    sealed=b"s",
                    signature=b"s",
                )
            )
            session.flush()
            Store.save_notice(session, case_id, _notice(case_id))
            session.flush()
            matter = Matter(case_id, "2018-14", "ben-a", UNIT, "ben-a", "王某", at)
            matter_store.save_opened(session, case_id, matter)

        self.database.run_tx("told", run)
        return case_id

    def official(self, name: str = "王某") -> bytes:
        query = select(OfficialRow.ref).where(col(OfficialRow.name) == name)
        return self.database.read(lambda session: session.exec(query).one())

    def correct_political(self, text: str) -> None:
        """What the official's declaration says of his party from now on."""
        ref = self.official()

        def run(session: Session) -> None:
            row = session.get_one(OfficialRow, ref)
            row.political = text
            session.add(row)

        self.database.run_tx("correct", run)

    def hold(
        self,
        *cases: bytes,
        meeting: Meeting = LIFE,
        on: date | None = None,
        by: Identity = WORKER,
        year: int = 2026,
    ) -> Shown:
        day = on or self.office.now.date()
        return self.use.record(by, Held(self.official(), year, meeting, day, frozenset(cases)))

    def due(self, year: int = 0) -> list[tuple[int, str, int, int]]:
        """(year, official, missing, stated)."""
        shown = self.use.list_due(WORKER, year, "办理年度说明")
        return [(d.due.year, d.name, len(d.due.missing), len(d.due.stated)) for d in shown]

    def reports(self) -> list[Report]:
        rows = select(OwnReportRow).order_by(col(OwnReportRow.position))
        return self.database.read(lambda s: [Report.decode(row.body) for row in s.exec(rows)])

    def refused(self) -> list[tuple[str, str, str]]:
        return self.office.refusals()


def _notice(case_id: bytes) -> OfficialNotice:
    told = ("ben-a", "受益人", "X-1", "改厕补助", "项目补助", 120_000, "某村", date(2026, 3, 1))
    return OfficialNotice(b"r" * 16, b"t" * 32, case_id, *told)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One official, a party member, with two declared relatives: persons 1 and 2."""
    path = tmp_path_factory.mktemp("registry") / "registry.db"
    with Database(DatabaseSettings(path=path)) as database:
        migrate(database, VERSIONS)
        Office(database).staff()
        Registry(database).take(sheet(form(person(1)), form(person(2), relation="子女")))
    return path


@pytest.fixture
def meetings(tmp_path: Path, prepared: Path, district: District) -> Iterator[Meetings]:
    """A copy of what was prepared."""
    for file in prepared.parent.iterdir():
        copyfile(file, tmp_path / file.name)
    (tmp_path / "registry.db").chmod(0o600)
    with Database(DatabaseSettings(path=tmp_path / "registry.db")) as database:
        yield Meetings(Office(database), district)


def violation(call: object, rule: str = "R49") -> str:
    with pytest.raises(RuleViolation) as refusal:
        call()  # type: ignore[operator]
    assert refusal.value.rule == rule
    return refusal.value.message_zh


def test_R49_one_due_for_an_official_and_year_with_at_least_one_live_matter(
    meetings: Meetings,
) -> None:
    assert meetings.due() == []
    meetings.told(b"a")
    meetings.told(b"b", 2)
    meetings.told(b"c", at=datetime(2025, 12, 31, 16, 30, tzinfo=UTC))  # 2026 in China
    meetings.told(b"d", at=datetime(2025, 12, 31, 15, 30, tzinfo=UTC))
    assert meetings.due() == [(2025, "王某", 1, 0), (2026, "王某", 3, 0)]
    assert meetings.due(2025) == [(2025, "王某", 1, 0)]


def test_R49_a_statement_is_kept_and_told_to_the_commission_alone(
    meetings: Meetings, district: District
) -> None:
    cases = sorted([meetings.told(b"a"), meetings.told(b"b", 2)])
    shown = meetings.hold(*cases)
    assert (shown.due.missing, shown.due.stated) == (frozenset(), frozenset(cases))
    assert meetings.due() == [(2026, "王某", 0, 2)]
    assert meetings.woken == [None]
    reports = meetings.reports()
    assert [report.case_id for report in reports] == cases
    key: HpkePrivateKey = district.inspector.hpke
    for report in reports:
        (copy,) = report.copies
        assert (copy.recipient, report.stage, report.seq) == (INSPECTOR, Stage.NOTE, 1)
        assert copy.sealed is not None
        body = key.open(copy.sealed, report.seal_info(INSPECTOR))
        assert body is not None
        stated = decode_stated(body)
        assert (stated.case_id, stated.year, stated.meeting) == (report.case_id, 2026, LIFE)
        assert stated.held_on == date(2026, 6, 1)


def test_R49_a_statement_is_no_step_of_the_matter(meetings: Meetings) -> None:
    case_id = meetings.told(b"a")
    meetings.hold(case_id)
    case = meetings.database.read(lambda s: matter_store.read_case(s, case_id, RULES))
    assert case is not None
    assert (case.matter.state, case.folded.entries) == (State.NOTIFIED, ())


def test_R49_party_members_and_others_explain_at_the_meetings_of_their_kind(
    meetings: Meetings,
) -> None:
    case_id = meetings.told(b"a")
    assert "民主生活会或组织生活会" in violation(
        lambda: meetings.hold(case_id, meeting=STAFF_MEETING)
    )
    assert meetings.refused() == [("li", "record-statement", "refused R49")]
    assert meetings.reports() == []

    meetings.correct_political("九三学社社员")
    assert "领导班子会或干部职工会" in violation(lambda: meetings.hold(case_id))
    meetings.hold(case_id, meeting=STAFF_MEETING)


def test_R49_without_a_declared_party_membership_nobody_knows_which_meeting(
    meetings: Meetings,
) -> None:
    case_id = meetings.told(b"a")

    meetings.correct_political("")
    assert "政治面貌" in violation(lambda: meetings.hold(case_id))


@pytest.mark.parametrize(
    ("political", "member"),
    [
        ("中共党员", True),
        ("中共预备党员", True),
        (" 中共 党员", True),
        ("民革党员", False),
        ("农工党党员", False),
        ("群众", False),
        ("", None),
    ],
)
def test_R49_members_of_other_parties_are_no_party_members(
    political: str, member: bool | None
) -> None:
    assert party_member(political) is member


def test_R49_a_later_statement_adds_what_came_after_the_meeting(meetings: Meetings) -> None:
    first = meetings.told(b"a")
    meetings.hold(first)
    assert "已经说明" in violation(lambda: meetings.hold(first))
    meetings.office.now += timedelta(days=40)
    second = meetings.told(b"b", 2, at=meetings.office.now)
    assert meetings.due() == [(2026, "王某", 1, 1)]
    shown = meetings.hold(first, second)
    held = [statement.held_on for _, statement in shown.explained if statement]
    assert held == [date(2026, 6, 1), date(2026, 7, 11)]
    assert [report.case_id for report in meetings.reports()] == [first, second]


def test_R49_all_that_was_known_at_the_meeting_is_explained(meetings: Meetings) -> None:
    first, second = meetings.told(b"a"), meetings.told(b"b", 2)
    assert "还有1项" in violation(lambda: meetings.hold(first))
    assert "不属于" in violation(lambda: meetings.hold(first, second, b"x" * 16))
    future = date(2026, 6, 2)
    assert "会议日期" in violation(lambda: meetings.hold(first, second, on=future))


@pytest.mark.parametrize("by", [HEAD, ORGAN])
def test_R49_worker_or_leader_record_and_nobody_else(meetings: Meetings, by: Identity) -> None:
    case_id = meetings.told(b"a")
    violation(lambda: meetings.hold(case_id, by=by))
    assert meetings.due() == [(2026, "王某", 1, 0)]
    meetings.hold(case_id, by=LEADER)


def test_R50_the_units_statements_are_counted_complete_partial_and_overdue(
    meetings: Meetings,
) -> None:
    first = meetings.told(b"a")

    def counts() -> tuple[int, int, int, int]:
        (one,) = meetings.use.count(WORKER).units
        return one.owed, one.complete, one.partial, one.overdue

    assert counts() == (1, 0, 0, 0)
    meetings.hold(first)
    assert counts() == (1, 1, 0, 0)
    meetings.office.now += timedelta(days=1)
    meetings.told(b"b", 2, at=meetings.office.now)
    assert counts() == (1, 0, 1, 0)
    meetings.office.now = datetime(2027, 4, 1, tzinfo=UTC)  # 90 days after the year
    assert counts() == (1, 0, 1, 1)
    violation(lambda: meetings.use.count(HEAD), "R50")


def test_R63_a_look_at_who_owes_leaves_its_reason(meetings: Meetings) -> None:
    violation(lambda: meetings.use.list_due(WORKER, 0, " "), "R63")
    meetings.due()
    assert meetings.office.trail()[-1].action == "list-statements"
    assert meetings.office.trail()[-1].reason == "办理年度说明"


# --- the unit in numbers --------------------------------------------------------------------------


def book(meetings: Meetings) -> UnitFigureBook:
    material = make_material(meetings.district, UNIT, Side.REGISTRY)
    accounts, now = meetings.office.accounts, lambda: meetings.office.now
    return UnitFigureBook(meetings.database, material, accounts, DISTRICT, read_people, now)


def test_R55_R58_a_registry_counts_its_officials_by_the_campaigns_day(meetings: Meetings) -> None:
    meetings.told(b"a")
    meetings.told(b"b", 2)
    (own,) = book(meetings).figures().units
    told = own.declarations
    assert (told.expected, told.filed, told.filed_late, told.late) == (1, 1, 0, 0)
    assert (own.matters.concerning, own.officials, own.matters.overdue) == (2, 1, 0)
    meetings.office.now += timedelta(days=16)
    (own,) = book(meetings).figures().units
    assert own.matters.overdue == 2


def test_R58_a_declaration_that_waits_for_a_signature_is_late_after_the_day(
    meetings: Meetings,
) -> None:
    meetings.office.take(
        sheet(form(person(3), 报告人姓名="赵某", 报告人身份证号码=person(77).idn)),
        signed_on=date(2026, 5, 20),
    )
    (own,) = book(meetings).figures().units
    assert (own.declarations.expected, own.declarations.late) == (2, 0)
    meetings.office.now = datetime(2026, 7, 1, tzinfo=UTC)
    (own,) = book(meetings).figures().units
    assert (own.declarations.filed, own.declarations.late) == (1, 1)


def test_R57_R58_a_unit_sees_its_own_deadlines(meetings: Meetings) -> None:
    meetings.office.now = datetime(2026, 7, 1, tzinfo=UTC)
    told = book(meetings).deadlines("")
    assert [(one.rule, one.units, one.done) for one in told.standings] == [("R58", 1, 0)]
    assert [(one.unit, one.days) for one in told.late] == [(UNIT, 1)]


def test_R57_the_forms_of_leader_and_worker_are_filed_when_the_second_one_is(
    meetings: Meetings,
) -> None:
    day = date(2026, 5, 31)
    campaign = Campaign("2026", "2026年", (Deadline(Step.STAFF_FORMS, day),))
    own = replace(book(meetings), data=replace(DISTRICT, campaigns=(campaign,)))
    (late,) = own.deadlines("").late
    assert (late.rule, late.done_on, late.days) == ("R57", date(2026, 6, 1), 1)


def test_R9_R11_R12_a_unit_sees_who_reports_to_it(meetings: Meetings) -> None:
    told = {one.unit.name: one.where.rule for one in book(meetings).receivers("", None)}
    assert told["nongwei"] == "R8"
    assert told["nongji"] == "R9"
    assert "mawu" not in told
