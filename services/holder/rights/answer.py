"""What a person is told of what the unit holds about him, and of who looked at it (R63, R65).

Staff answer a request whose asker they have identified; the number is looked up and not kept. Each look
leaves a line of the trail for every record that it showed. Who declared a relative, and whom else a notice
is about, is about others and is not told (``services.rules.retention``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from libmatch.china_time import china_day
from libmatch.errors import InputError
from libmatch.identifiers import Identifier, parse_identifier
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.holder.account_files import AccountFile
from services.holder.account_grants import account_subject
from services.holder.accounts import Accounts
from services.holder.matters.facts import FactsOf
from services.holder.rights.records import PersonRecord, PersonRecords
from services.holder.rights.words import action_zh
from services.holder.store import rights as store
from services.holder.store.matters import Transaction
from services.holder.store.rights import NoticeOf
from services.process.store.trail import Trail
from services.rules.retention import (
    Held,
    HeldRecord,
    PersonRequest,
    RequestKind,
    answer_due,
    what_is_held,
)
from services.rules.ruleset import RuleSet, RuleSets

MAX_LOOKS = 1000

_FORM_ZH = "责任领导和工作人员基本情况表（附件4）"
_FORM_ROUTE_ZH = "由系统管理员重新登记基本情况表，再办理承诺、意见和备案（R32、R33）"
_SEE_OWN_ZH = "本人可用自己的账号查看（libmatch accounts show）"


@dataclass(frozen=True, repr=False)
class HeldMatter:
    """A notice about a record: when it came, about which item, and how far its matter is."""

    received_at: datetime
    item_zh: str
    state_zh: str


@dataclass(frozen=True, repr=False)
class HeldLine:
    """One record as the person is told of it."""

    reference: str
    category_zh: str
    capacity_zh: str
    purpose_zh: str
    status_zh: str
    fields: tuple[tuple[str, str], ...]
    matters: tuple[HeldMatter, ...]
    entered_at: datetime | None
    purge_on: date | None
    route_zh: str


@dataclass(frozen=True, repr=False)
class Answer:
    """All that is held about a person, and the last day on which he must have the answer."""

    lines: tuple[HeldLine, ...]
    due_on: date


@dataclass(frozen=True)
class Look:
    """One look at the person's records, or at a whole list that he stood in."""

    at: datetime
    who: str
    action: str
    action_zh: str
    reason: str
    outcome: str
    whole_list: bool


class AnswerRequests:
    """Answers the requests of persons to one unit on one side."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        records: PersonRecords,
        facts: FactsOf,
        rules: RuleSets,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._records = records
        self._facts = facts
        self._rules = rules
        self._now = now

    def list_held(
        self, caller: Identity, number: str, reason: str, received_on: date | None = None
    ) -> Answer:
        """Everything about the person with that number. Raises InputError for what is no number."""
        trail = self._begin(caller, "answer-request", reason)
        request = self._request(number, received_on)
        rules = self._rules.on(self._today())
        forms = self._forms_of(request.asker)

        def run(session: Transaction) -> tuple[HeldLine, ...]:
            found = self._records.find(session, request.asker)
            subjects = [record.ref.hex() for record in found]
            _write_each(session, trail, [*subjects, *(account_subject(f.login) for f in forms)])
            return tuple(self._lines(session, request, found, rules))

        lines = self._database.run_tx("rights.held", run)
        return Answer((*lines, *map(_form_line, forms)), answer_due(request, rules))

    def list_looks(self, caller: Identity, number: str, reason: str) -> tuple[list[Look], bool]:
        """The looks at the person's records, oldest first, and whether there are still older ones."""
        trail = self._begin(caller, "list-looks", reason)
        asker = self._request(number, None).asker
        forms = [account_subject(file.login) for file in self._forms_of(asker)]

        def run(session: Transaction) -> list[Look]:
            found = self._records.find(session, asker)
            refs = [record.ref.hex() for record in found]
            entries = []
            if found or forms:
                since = min((record.entered_at for record in found), default=trail.at)
                about = {*refs, *forms, *self._also_named(session, found)}
                entries = store.read_looks(session, about, since, MAX_LOOKS + 1)
            looks = [
                Look(
                    entry.at,
                    entry.actor.rpartition("/")[2],
                    entry.action,
                    action_zh(entry.action),
                    entry.reason,
                    entry.outcome,
                    not entry.subject,
                )
                for entry in entries
            ]
            _write_each(session, trail, [*refs, *forms])
            return looks

        looks = self._database.run_tx("rights.looks", run)
        return looks[:MAX_LOOKS][::-1], len(looks) > MAX_LOOKS

    def _begin(self, caller: Identity, what: str, reason: str) -> Trail:
        return Trail(self._now(), caller, what, reason=self._accounts.look_reason(reason))

    def _request(self, number: str, received_on: date | None) -> PersonRequest:
        today = self._today()
        if received_on is not None and received_on > today:
            raise InputError("the request came in the future", "收到请求的日期不能晚于今天")
        asker = parse_identifier(number, today=today)
        return PersonRequest(RequestKind.KNOW, asker, received_on or today)

    def _today(self) -> date:
        return china_day(self._now())

    def _forms_of(self, person: Identifier) -> list[AccountFile]:
        files = self._accounts.store.read().values()
        return [file for file in files if file.form.identifier == person]

    def _also_named(self, session: Transaction, found: Iterable[PersonRecord]) -> set[str]:
        """The matters of the records, as trails name them."""
        subjects = {subject for record in found for subject in record.subjects}
        notices = store.find_notices(session, subjects)
        return {n.case_id.hex() for of in notices.values() for n in of if n.case_id is not None}

    def _lines(
        self,
        session: Transaction,
        request: PersonRequest,
        found: list[PersonRecord],
        rules: RuleSet,
    ) -> Iterable[HeldLine]:
        notices = store.find_notices(session, {s for record in found for s in record.subjects})
        for record in found:
            about = [notice for subject in record.subjects for notice in notices.get(subject, ())]
            held = _to_held(record, self._accounts.unit, matched=bool(about))
            for line in what_is_held(request, [held], rules):
                yield _to_line(record, line, tuple(self._matter(session, one) for one in about))

    def _matter(self, session: Transaction, notice: NoticeOf) -> HeldMatter:
        facts = self._facts(session, notice.notice_id)
        item = (facts.programme or facts.item_name) if facts else ""
        state = notice.state.value if notice.state else "已收到通知"
        return HeldMatter(notice.received_at, item, state)


def _write_each(session: Transaction, trail: Trail, subjects: list[str]) -> None:
    """One line for each record that is shown: each is a look at a person (R63)."""
    for subject in subjects:
        replace(trail, subject=subject).write(session)
    if not subjects:
        trail.write(session, "nothing held")


def _to_held(record: PersonRecord, unit: str, *, matched: bool) -> HeldRecord:
    return HeldRecord(
        reference=record.ref.hex(),
        unit=unit,
        category=record.category,
        subject=record.person,
        fields_zh=tuple(name for name, _ in record.fields),
        ended_on=None if record.ended_at is None else china_day(record.ended_at),
        matched=matched,
    )


def _to_line(record: PersonRecord, held: Held, matters: tuple[HeldMatter, ...]) -> HeldLine:
    return HeldLine(
        held.reference,
        held.category.value,
        record.capacity_zh,
        held.purpose_zh,
        record.status_zh,
        record.fields,
        matters,
        record.entered_at,
        held.purge_on,
        held.route_zh,
    )


def _form_line(file: AccountFile) -> HeldLine:
    """That annex 4 of the person is held; its content is for himself and his administrators (R64)."""
    return HeldLine(
        account_subject(file.login),
        _FORM_ZH,
        "账号持有人",
        "涉权事项公开信息平台的账号管理",
        "已停用" if file.disabled else "在用或办理中",
        (("内容", _SEE_OWN_ZH),),
        (),
        None,
        None,
        _FORM_ROUTE_ZH,
    )
