"""What a registry tells a person about himself, and what it erases (R63, R64, R65)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from libmatch.errors import IdentifierError, InputError
from services.chassis.refusals import Conflict
from services.holder.accounts import Accounts
from services.holder.administrators import Administrators
from services.holder.rights.answer import AnswerRequests, HeldLine
from services.holder.rights.purge import PurgeEnded
from services.holder.store.accounts import AccountStore
from services.holder.tables import Notice
from services.registry.store.case_facts import facts_of_cases
from services.registry.store.rights import DeclaredPersons
from services.registry.tables import OfficialNoticeRow
from services.rules.ruleset import packaged_rulesets
from tests.district import NOW, person
from tests.rules_samples import refusal
from tests.unit.services.registry.conftest import CLERK, Registry
from tests.unit.services.registry.sheets_of_declarations import OFFICIAL, row, sheet

WHY = "答复2026年第1号申请"
YEAR = timedelta(days=365)


@dataclass
class Rights:
    """The use cases over the registry of a test; ``at`` is their clock."""

    registry: Registry
    at: datetime = NOW
    administrators: Administrators | None = None

    @property
    def accounts(self) -> Accounts:
        store = AccountStore(self.registry.database)
        return Accounts(store, "reg-a", self.administrators, self.now)

    def now(self) -> datetime:
        return self.at

    @property
    def answer(self) -> AnswerRequests:
        facts = facts_of_cases("reg-a", "测试单位")
        return AnswerRequests(
            self.registry.database,
            self.accounts,
            DeclaredPersons(),
            facts,
            packaged_rulesets(),
            self.now,
        )

    def purge(self, most: int = 5000) -> PurgeEnded:
        database, rules = self.registry.database, packaged_rulesets()
        return PurgeEnded(database, self.accounts, DeclaredPersons(), rules, self.now, most)

    def held(self, number: int) -> tuple[HeldLine, ...]:
        return self.answer.list_held(CLERK, person(number).idn, WHY).lines

    def due(self) -> int:
        return sum(one.count for one in self.purge().count_due())


@pytest.fixture
def rights(registry: Registry) -> Rights:
    """The official 王某 with the spouse 李某 (person 11) and the child 王小某 (person 12)."""
    registry.take(sheet(row(person(11)), row(person(12), "王小某", "子女", 备注="曾用名某某")))
    registry.accept_all()
    return Rights(registry)


def end(registry: Registry, *names: str) -> None:
    """Withdraws these relatives, all where none are named, as far as the matcher's receipt."""
    (listed,) = registry.listed()
    refs = [relative.ref for relative, _ in listed.relatives if relative.name in names]
    registry.withdraw(listed.official.ref, *refs)
    statement = sa.text("UPDATE record SET state = 'withdrawn' WHERE NOT wanted")
    registry.database.run_tx("receipt", lambda session: session.execute(statement))


def notify(registry: Registry, subject: bytes | None, *, opened: bool = True) -> None:
    """A notice as the mailbox keeps it."""
    notice_id = uuid.uuid4().bytes * 2

    def write(session: Session) -> None:
        session.add(
            Notice(
                notice_id=notice_id,
                epoch=bytes(32),
                hit_id=bytes(32),
                sealed=b"sealed",
                signature=bytes(64),
                received_at=NOW,
                opened=opened,
                disputed=False,
                subject=subject,
            )
        )
        session.flush()
        session.add(
            OfficialNoticeRow(
                notice_id=notice_id,
                approving_unit="ben-a",
                capacity="受益人",
                item_ref="A-1",
                item_name="危房改造",
                programme="住房补助",
                amount_fen=100,
                place="某村",
                start=None,
            )
        )

    registry.database.run_tx("notify", write)


def test_R65_relative_is_told_what_is_held_and_not_who_declared_it(rights: Rights) -> None:
    (line,) = rights.held(12)
    assert (line.capacity_zh, line.status_zh) == ("党员干部亲属", "参加比对")
    fields = dict(line.fields)
    assert (fields["姓名"], fields["亲属关系"]) == ("王小某", "子女")
    told = repr(vars(line))
    assert "王某" not in told.replace("王小某", "")
    assert "曾用名" not in told  # a remark may be about others
    assert "R20" in line.route_zh
    assert line.purge_on is None


def test_R65_no_answer_and_no_trail_repeats_a_number(rights: Rights) -> None:
    told = repr([vars(line) for number in (11, 12) for line in rights.held(number)])
    told += repr([vars(line) for line in rights.answer.list_held(CLERK, OFFICIAL.idn, WHY).lines])
    trail = repr([(e.subject, e.reason, e.outcome) for e in rights.registry.trail()])
    for who in (person(11), person(12), OFFICIAL):
        assert who.idn not in told + trail


def test_R65_official_is_told_as_reporter_and_as_himself(rights: Rights) -> None:
    lines = rights.answer.list_held(CLERK, OFFICIAL.idn, WHY).lines
    assert [line.capacity_zh for line in lines] == ["报告人（党员干部）", "报告人本人"]
    assert dict(lines[0].fields)["职务"]


def test_R65_official_is_told_of_statements_and_findings_and_they_go_with_him(
    rights: Rights,
) -> None:
    database, official = rights.registry.database, rights.registry.listed()[0].official.ref
    rows = (
        "INSERT INTO statement VALUES (:official, 2025, 1, 'STAFF', '2025-12-20', zeroblob(32), "
        "'liu', '2025-12-21')",
        "INSERT INTO consistency_finding VALUES (zeroblob(16), :official, 'reg-b', zeroblob(32), "
        "zeroblob(32), '他人', '某局', '', '兄弟姐妹', 'open', 1, 1, '', '')",
    )
    for insert in map(sa.text, rows):
        database.run_tx("fill", lambda s, i=insert: s.execute(i, {"official": official}))  # type: ignore[misc]
    fields = dict(rights.answer.list_held(CLERK, OFFICIAL.idn, WHY).lines[0].fields)
    assert fields["2025年度说明情况"] == "2025-12-20在干部职工会上说明，涉及事项2件"
    assert fields["申报一致性核对"] == "其他申报提示1处不一致"
    assert "他人" not in fields.values()
    end(rights.registry)
    rights.at = NOW + YEAR
    rights.purge().run(CLERK, 3, "到期清除，领导已批准")
    for table in ("statement", "consistency_finding"):
        query = sa.text(f"SELECT count(*) FROM {table}")
        assert database.read(lambda s, q=query: s.execute(q).scalar_one()) == 0  # type: ignore[misc]


def test_R65_person_who_is_not_held_is_told_so_and_the_look_is_in_the_trail(
    rights: Rights,
) -> None:
    assert rights.held(99) == ()
    last = rights.registry.trail()[-1]
    assert (last.action, last.subject, last.outcome) == ("answer-request", "", "nothing held")


def test_R65_answer_is_due_thirty_days_after_the_request(rights: Rights) -> None:
    day = rights.accounts.today() - timedelta(days=3)
    answer = rights.answer.list_held(CLERK, person(11).idn, WHY, day)
    assert answer.due_on == day + timedelta(days=30)
    with pytest.raises(InputError):
        rights.answer.list_held(CLERK, person(11).idn, WHY, day + timedelta(days=9))


def test_R65_what_is_no_number_is_refused(rights: Rights) -> None:
    with pytest.raises(IdentifierError):
        rights.answer.list_held(CLERK, "某某", WHY)


def test_R36_notice_about_the_person_is_told_with_its_item(rights: Rights) -> None:
    notify(rights.registry, rights.registry.ref_of("李某"))
    (line,) = rights.held(11)
    assert [(one.item_zh, one.state_zh) for one in line.matters] == [("住房补助", "已收到通知")]
    assert rights.held(12)[0].matters == ()


def test_R63_looks_at_a_person_are_told_with_who_when_and_why(rights: Rights) -> None:
    rights.held(11)
    rights.registry.listed()
    rights.held(12)  # another person's
    looks, more = rights.answer.list_looks(CLERK, person(11).idn, WHY)
    assert not more
    assert [(look.who, look.action, look.whole_list, look.reason) for look in looks] == [
        ("li", "answer-request", False, WHY),
        ("li", "list-declarations", True, ""),
    ]
    again, _ = rights.answer.list_looks(CLERK, person(11).idn, WHY)
    assert again[-1].action == "list-looks"  # the question before is a look itself
    assert len([look for look in again if look.action == "answer-request"]) == 1


def test_R63_looks_of_somebody_unknown_are_none(rights: Rights) -> None:
    assert rights.answer.list_looks(CLERK, person(99).idn, WHY) == ([], False)


def test_R63_look_needs_a_reason_where_there_are_administrators(rights: Rights) -> None:
    rights.administrators = Administrators(system="zhang", security="wang", audit="chen")
    refusal("R63", rights.answer.list_held, CLERK, person(11).idn, " ")
    refusal("R63", rights.answer.list_looks, CLERK, person(11).idn, "")


def test_R65_relative_is_erased_a_year_after_withdrawal_and_not_before(rights: Rights) -> None:
    end(rights.registry, "王小某")
    rights.at = NOW + YEAR - timedelta(days=1)
    assert rights.due() == 0
    assert rights.held(12)[0].purge_on == (NOW + YEAR).date()
    rights.at = NOW + YEAR
    assert rights.due() == 1
    done = rights.purge().run(CLERK, 1, "到期清除，领导已批准")
    assert (done.purged, done.left, done.traces_left) == (1, 0, False)
    assert rights.held(12) == ()
    assert {r.name for o in rights.registry.listed() for r, _ in o.relatives} == {"王某", "李某"}


def test_R65_what_still_must_be_matched_is_never_due(rights: Rights) -> None:
    rights.at = NOW + 40 * YEAR
    assert rights.due() == 0
    official = rights.registry.listed()[0].official.ref
    rights.registry.withdraw(official, rights.registry.ref_of("王小某"))
    assert rights.due() == 0  # the matcher has not confirmed the withdrawal
    statement = "UPDATE record SET state = 'withdrawing' WHERE NOT wanted"
    database = rights.registry.database
    database.run_tx("sent", lambda session: session.execute(sa.text(statement)))
    assert rights.due() == 0


@pytest.mark.parametrize("opened", [True, False])
def test_R65_what_matched_or_may_have_matched_is_kept(rights: Rights, *, opened: bool) -> None:
    end(rights.registry, "王小某")
    subject = rights.registry.ref_of("王小某") if opened else None
    notify(rights.registry, subject, opened=opened)
    rights.at = NOW + 40 * YEAR
    assert rights.due() == 0


def test_R65_declaration_in_a_draw_that_goes_on_is_kept(rights: Rights) -> None:
    end(rights.registry, "王小某")
    rights.at = NOW + YEAR
    database, official = rights.registry.database, rights.registry.listed()[0].official.ref
    draw = sa.text(
        "INSERT INTO draw (draw_id, number, kind, unit, year, percent, record, planned_by, "
        "planned_at, moved_at) VALUES (zeroblob(16), 1, 'UNIT', 'reg-a', 2026, 30, x'', 'ji', 1, 1)"
    )
    drawn = sa.text("INSERT INTO draw_item VALUES (zeroblob(16), :official)")
    database.run_tx("draw", lambda session: session.execute(draw))
    database.run_tx("draw", lambda session: session.execute(drawn, {"official": official}))
    assert rights.due() == 0
    finish = sa.text("UPDATE draw SET finished_at = 2")
    database.run_tx("draw", lambda session: session.execute(finish))
    assert rights.due() == 1


def test_R65_official_goes_with_the_last_of_the_declaration(rights: Rights) -> None:
    end(rights.registry)
    rights.at = NOW + YEAR
    assert rights.due() == 3
    rights.purge().run(CLERK, 3, "到期清除，领导已批准")
    assert rights.registry.listed() == []
    assert rights.answer.list_held(CLERK, OFFICIAL.idn, WHY).lines == ()


def test_R65_official_stays_while_one_relative_is_in_a_matter(rights: Rights) -> None:
    end(rights.registry)
    notify(rights.registry, rights.registry.ref_of("李某"))
    rights.at = NOW + YEAR
    rights.purge().run(CLERK, 2, "到期清除，领导已批准")
    assert [r.name for o in rights.registry.listed() for r, _ in o.relatives] == ["李某"]


def test_R65_each_erased_record_has_its_line_and_the_trail_stays_whole(rights: Rights) -> None:
    end(rights.registry, "王小某")
    ref = rights.registry.ref_of("王小某").hex()
    before = [entry.digest for entry in rights.registry.trail()]
    rights.at = NOW + YEAR
    rights.purge().run(CLERK, 1, "到期清除，领导已批准")
    trail = rights.registry.trail()  # verified
    assert [entry.digest for entry in trail][: len(before)] == before
    last = trail[-1]
    assert (last.action, last.subject, last.outcome) == ("purge", ref, "erased")


def test_R65_purge_names_the_number_that_was_seen(rights: Rights) -> None:
    end(rights.registry, "王小某", "李某")
    rights.at = NOW + YEAR
    for wrong in (0, 1, 3):
        with pytest.raises(Conflict):
            rights.purge().run(CLERK, wrong, "到期清除，领导已批准")
    refusal("R63", rights.purge().run, CLERK, 2, "")
    assert rights.due() == 2


def test_R65_purge_in_pieces_comes_to_the_end(rights: Rights) -> None:
    end(rights.registry)
    rights.at = NOW + YEAR
    assert rights.purge(most=2).run(CLERK, 3, "到期清除，领导已批准").left == 1
    assert rights.purge(most=2).run(CLERK, 1, "到期清除，领导已批准").left == 0
    assert rights.registry.listed() == []


def test_R65_erased_text_is_in_no_file(rights: Rights, tmp_path: Path) -> None:
    registry = rights.registry
    many = [row(person(n), "清除某", "子女") for n in range(100, 400)]
    registry.take(sheet(*many))
    registry.take(sheet(*(r | {"亲属职务": "改动后职务"} for r in many)))
    registry.accept_all()
    end(registry, "清除某")
    rights.at = NOW + YEAR
    secrets = [person(n).idn.encode() for n in (100, 250, 399)] + ["清除某".encode()]
    assert all(_traces(tmp_path, secret) for secret in secrets)
    assert rights.purge().run(CLERK, 300, "到期清除，领导已批准").purged == 300
    assert not any(_traces(tmp_path, secret) for secret in secrets)
    assert _traces(tmp_path, person(11).idn.encode())  # what is held is still there


def _traces(folder: Path, secret: bytes) -> int:
    return sum(path.read_bytes().count(secret) for path in folder.glob("registry.db*"))


def test_R65_purge_that_fails_keeps_everything(rights: Rights) -> None:
    end(rights.registry, "王小某")
    rights.at = NOW + YEAR
    statement = "CREATE TRIGGER stop BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'stop'); END"
    database = rights.registry.database
    database.run_tx("stop", lambda session: session.execute(sa.text(statement)))
    with pytest.raises(sa.exc.DBAPIError):
        rights.purge().run(CLERK, 1, "到期清除，领导已批准")
    assert rights.due() == 1
    assert len(rights.held(12)) == 1
