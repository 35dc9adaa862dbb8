"""Looks at versions: who must act next, what a signer reads, what is due (R18, R20, R58, R63).

Worker, responsible leader and discipline organ see all of the unit's versions, a signer those that he
may sign. Every look leaves its trail, a look at contents with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from libmatch.china_time import china_day
from libmatch.identifiers import Identifier
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import NotFound
from services.holder.accounts import Accounts
from services.holder.references import check_ref
from services.process.district_data import DistrictData
from services.process.store.trail import Trail
from services.registry.signoff.acting import require_accounts
from services.registry.signoff.changes import changes_zh
from services.registry.signoff.placing import Placer
from services.registry.signoff.staging import what_keeps_a_draft
from services.registry.signoff.versions import StagedVersion, history_of
from services.registry.store import signoff as store
from services.registry.store.signoff import Histories, Transaction
from services.rules.deadlines import Step
from services.rules.declaration import overdue_ids
from services.rules.entry import State
from services.rules.roles import Action, Role, may
from services.rules.signing import SigningRight
from services.rules.versions import confirmation_due
from services.rules.violation import RuleViolation


class Next(StrEnum):
    """Who must act next. Values are the words that people see."""

    OFFICIAL = "本人"
    WORKER_PLACES = "工作人员（登记人员类别）"
    SIGNER = "签署人"
    WORKER = "工作人员（录入）"
    LEADER = "责任领导（审核）"
    NOBODY = "已办结"


class DueKind(StrEnum):
    """What is due. Values are the words that people see."""

    REPORT = "报告表签署录入"  # R20, R58: a version that is not entered
    CONFIRMATION = "年度确认"  # R20
    UNKNOWN_ID = "补报证件号码"  # R18


@dataclass(frozen=True, repr=False)
class ListedVersion:
    """A version as listed. ``signer_zh``: who may sign it, or why nobody knows yet.

    ``mine``: the viewer acts next. ``lacks_zh``: what keeps a draft.
    """

    version: StagedVersion
    next: Next
    signer_zh: str
    mine: bool
    lacks_zh: str
    unknown_ids: int
    overdue_ids: int


@dataclass(frozen=True, repr=False)
class ShownVersion:
    """A version with its content, and what differs from the version before it, in Chinese."""

    listed: ListedVersion
    changes_zh: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Due:
    """Something that an official or the unit owes. ``days_late``: negative while there is time."""

    kind: DueKind
    version: StagedVersion
    due_on: date
    days_late: int


@dataclass(frozen=True)
class DueList:
    """What is due, by day. ``campaign_due``: R58's day, None without a campaign."""

    dues: tuple[Due, ...]
    campaign_due: date | None


@dataclass(frozen=True)
class _Viewer:
    roles: frozenset[Role]
    unit: str

    def may_sign(self, right: SigningRight | None) -> bool:
        return right is not None and right.role in self.roles and self.unit in right.units


class SignOffLooks:
    """Who sees which versions. Refused where the unit has no administrators."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        district: DistrictData,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._district = district
        self._placer = Placer(accounts.unit, district)
        self._now = now

    def list_versions(
        self, caller: Identity, states: Sequence[State], reason: str, *, mine: bool = False
    ) -> list[ListedVersion]:
        """Versions in these states (in any, where none are named), by official and number."""
        trail, viewer = self._trail(caller, "list-versions", reason), self._viewer(caller)
        today = china_day(trail.at)
        return [
            listed
            for versions in self._read(trail).values()
            for version in versions
            if not states or version.state in states
            for listed in self._visible(version, viewer, today)
            if listed.mine or not mine
        ]

    def show(self, caller: Identity, ref: bytes, reason: str) -> ShownVersion:
        """One version with all of its content. RuleViolation R22 for a signer of others; NotFound."""
        trail = self._trail(caller, "show-declaration", reason, check_ref(ref).hex())
        viewer, today = self._viewer(caller), china_day(trail.at)

        def run(session: Transaction) -> ShownVersion:
            whose = store.find_officials(session, [ref])
            histories = store.read_histories(session, self._accounts.unit, whose.values())
            shown = self._find(histories, ref, viewer, today)
            trail.write(session)
            return shown

        try:
            return self._database.run_tx("signoff.show", run)
        except RuleViolation as refused:
            self._accounts.refused(caller, "show-declaration", refused)
            raise

    def _find(self, histories: Histories, ref: bytes, viewer: _Viewer, today: date) -> ShownVersion:
        for versions in histories.values():
            for place, version in enumerate(versions):
                if version.ref != ref:
                    continue
                for listed in self._visible(version, viewer, today):
                    before = versions[place - 1].declaration if place else None
                    return ShownVersion(listed, changes_zh(before, version.declaration))
                raise RuleViolation(
                    "R22", "a signer reads what he may sign", "您只能查看由您签署意见的报告表"
                )
        raise NotFound("no such version", "没有这个编号的申报版本。")

    def due(self, caller: Identity, until: date, reason: str) -> DueList:
        """What is due by ``until``, the longest overdue first. Who was withdrawn owes nothing more."""
        trail, viewer = self._trail(caller, "list-due", reason), self._viewer(caller)
        today = china_day(trail.at)

        def run(session: Transaction) -> tuple[Histories, dict[Identifier, list[date]]]:
            trail.write(session)
            histories = store.read_histories(session, self._accounts.unit)
            for official in store.find_withdrawn(session):
                if official in histories and not histories[official][-1].is_open:
                    del histories[official]
            return histories, store.read_confirmations(session)

        histories, confirmed = self._database.run_tx("signoff.due", run)
        found = [
            Due(kind, version, due_on, (today - due_on).days)
            for official, versions in histories.items()
            for kind, version, due_on in self._dues(versions, confirmed.get(official, ()), today)
            if due_on <= until and any(self._visible(version, viewer, today))
        ]
        campaign = self._district.last_day(Step.DECLARATIONS, self._accounts.unit, today)
        return DueList(tuple(sorted(found, key=lambda due: due.due_on)), campaign)

    def _dues(
        self, versions: Sequence[StagedVersion], confirmed: Sequence[date], today: date
    ) -> Iterator[tuple[DueKind, StagedVersion, date]]:
        rules, latest = self._district.rules(today), versions[-1]
        if latest.is_open and latest.due_on is not None:
            yield DueKind.REPORT, latest, latest.due_on
        settled = [version for version in versions if not version.is_open]
        if settled:
            history = history_of(settled, confirmed)
            yield DueKind.CONFIRMATION, settled[-1], confirmation_due(history, rules)
        for day in {r.unknown.due_on for r in latest.declaration.relatives if r.unknown}:
            yield DueKind.UNKNOWN_ID, latest, day

    def _trail(self, caller: Identity, what: str, reason: str, subject: str = "") -> Trail:
        require_accounts(self._accounts)
        why = self._accounts.look_reason(reason)
        return Trail(self._now(), caller, what, subject, why)

    def _read(self, trail: Trail) -> Histories:
        def run(session: Transaction) -> Histories:
            trail.write(session)
            return store.read_histories(session, self._accounts.unit)

        return self._database.run_tx("signoff.look", run)

    def _viewer(self, caller: Identity) -> _Viewer:
        file = self._accounts.store.read().get(caller.login)
        return _Viewer(file.roles if file else frozenset(), self._accounts.unit)

    def _visible(
        self, version: StagedVersion, viewer: _Viewer, today: date
    ) -> Iterator[ListedVersion]:
        """The version as listed, if the viewer may see it."""
        right, why = self._right(version, today)
        if not may(viewer.roles, Action.READ_DECLARATIONS) and not viewer.may_sign(right):
            return
        unknown = sum(r.identifier is None for r in version.declaration.relatives)
        yield ListedVersion(
            version=version,
            next=_next(version, right),
            signer_zh=right.name_zh if right else why,
            mine=_acts_next(version, right, viewer),
            lacks_zh=what_keeps_a_draft(version) if version.state is State.DRAFT else "",
            unknown_ids=unknown,
            overdue_ids=len(overdue_ids(version.declaration, today)),
        )

    def _right(self, version: StagedVersion, today: date) -> tuple[SigningRight | None, str]:
        where = version.declaration.reporter.unit
        try:
            return self._placer.right(version.placing, where, today), ""
        except RuleViolation as refused:
            return None, refused.message_zh


_NEXT = {
    State.DRAFT: Next.OFFICIAL,
    State.PLEDGED: Next.SIGNER,
    State.SIGNED: Next.WORKER,
    State.ENTERED: Next.LEADER,
    State.REVIEWED: Next.NOBODY,
}
_ACTS = {
    State.DRAFT: Action.IMPORT_DECLARATIONS,
    State.SIGNED: Action.IMPORT_DECLARATIONS,
    State.ENTERED: Action.REVIEW_DECLARATIONS,
}


def _next(version: StagedVersion, right: SigningRight | None) -> Next:
    if version.state is State.PLEDGED and right is None:
        return Next.WORKER_PLACES
    return _NEXT[version.state]


def _acts_next(version: StagedVersion, right: SigningRight | None, viewer: _Viewer) -> bool:
    """Whether the viewer has something to do; of a draft the worker has: to record or to import."""
    if version.state is State.PLEDGED and right is not None:
        return viewer.may_sign(right)
    action = _ACTS.get(version.state)
    if version.state is State.PLEDGED:
        action = Action.IMPORT_DECLARATIONS
    return action is not None and may(viewer.roles, action)
