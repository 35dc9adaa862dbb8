"""How a step on versions is made: one transaction for all of a call, with a line of the trail for each.

What is refused keeps nothing but a line of the trail. Of two people at the same version one wins; the
other is told that it has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from libmatch.china_time import china_day
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import ChassisError, Conflict, InvalidRequest, NotFound, Refused
from services.holder.accounts import Accounts
from services.holder.references import check_ref
from services.process.district_data import DistrictData
from services.process.store.trail import Trail
from services.registry.signoff.placing import Placer
from services.registry.signoff.versions import StagedVersion
from services.registry.store import signoff as store
from services.registry.store.signoff import Transaction
from services.rules.accounts import Account
from services.rules.roles import Action
from services.rules.ruleset import RuleSet
from services.rules.signing import SigningRight
from services.rules.violation import RuleViolation

MOST_AT_ONCE = 2_000
"""Versions of one call: what is signed in one sitting, and fits into one message."""


@dataclass(frozen=True)
class Seen:
    """A version as somebody saw it: its reference, the digest of its content, its step."""

    ref: bytes
    digest: bytes
    step: int


@dataclass(frozen=True, repr=False)
class Moment:
    """What a step is made from. ``earlier``: the versions before this one; ``latest``: none follows."""

    session: Transaction
    version: StagedVersion
    earlier: Sequence[StagedVersion]
    latest: bool
    account: Account
    seen: Seen
    at: datetime
    today: date
    rules: RuleSet
    placer: Placer

    def right(self) -> SigningRight:
        """Who may sign the version (R22). RuleViolation."""
        version = self.version
        where = version.declaration.reporter.unit
        return self.placer.right(version.placing, where, self.today)


Change = Callable[[Moment], StagedVersion]
Finish = Callable[[Transaction, Sequence[StagedVersion], datetime], None]


@dataclass(frozen=True)
class Doing:
    """Who does what, by which rights (one is enough), and why. ``name``: as the trail has it."""

    caller: Identity
    name: str
    actions: tuple[Action, ...]
    reason: str = ""


class ActOnVersions:
    """Makes steps on the versions of one unit."""

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

    def run(
        self, doing: Doing, seen: Sequence[Seen], change: Change, finish: Finish | None = None
    ) -> list[StagedVersion]:
        """The versions after ``change`` of each, kept together or not at all.

        ``finish`` does what they bring about, in the same transaction. Raises RuleViolation; NotFound
        for a version that is not held; Conflict where it is not as it was seen.
        """
        at, refs = self._now(), [check_ref(one.ref) for one in seen]
        if not refs or len(refs) > MOST_AT_ONCE or len(set(refs)) != len(refs):
            text = f"一次可办理1至{MOST_AT_ONCE}份申报，且不得重复。"
            raise InvalidRequest("1 to 2,000 versions, each once", text)
        at_fault: list[bytes] = []

        def run(session: Transaction) -> list[StagedVersion]:
            done = []
            for one, moment in zip(seen, self._moments(session, account, seen, at), strict=True):
                at_fault[:] = [one.ref]
                done.append(replace(change(moment), step=moment.version.step + 1))
            at_fault.clear()
            store.save_versions(session, done, at)
            if finish is not None:
                finish(session, done, at)
            for version in done:
                self._trail(doing, at, version.ref).write(session)
            return done

        try:
            account = self._account(doing)
            return self._database.run_tx(f"signoff.{doing.name}", run)
        except (RuleViolation, ChassisError) as refusal:
            fault = at_fault[0] if at_fault else refs[0]
            self._leave(self._trail(doing, at, fault), refusal)
            if isinstance(refusal, RuleViolation) and len(refs) > 1:
                raise _which(refusal, refs.index(fault) + 1) from None
            raise

    def _moments(
        self, session: Transaction, account: Account, seen: Sequence[Seen], at: datetime
    ) -> Sequence[Moment]:
        whose = store.find_officials(session, [one.ref for one in seen])
        histories = store.read_histories(session, self._accounts.unit, set(whose.values()))
        today = china_day(at)
        rules, moments = self._district.rules(today), []
        for one in seen:
            versions = histories.get(whose[one.ref], []) if one.ref in whose else []
            place = next((n for n, v in enumerate(versions) if v.ref == one.ref), None)
            if place is None:
                raise NotFound("no such version", "没有这个编号的申报版本。")
            which = (versions[place], versions[:place], place == len(versions) - 1)
            when = (at, today, rules)
            moments.append(Moment(session, *which, account, one, *when, self._placer))
        return moments

    def _account(self, doing: Doing) -> Account:
        """The caller's account, if it may do one of the actions. Refused without administrators."""
        require_accounts(self._accounts)
        refusals = []
        for action in doing.actions:
            try:
                self._accounts.actor(doing.caller, action)
            except RuleViolation as refused:
                refusals.append(refused)
        if len(refusals) == len(doing.actions):
            raise refusals[0]
        file = self._accounts.store.read().get(doing.caller.login)
        account = file.account(self._accounts.unit) if file else None
        if account is None:
            raise RuleViolation(
                "R31",
                "this step is made by a person with an account",
                "此项工作须由持有账号的人员办理",
            )
        return account

    def _trail(self, doing: Doing, at: datetime, ref: bytes) -> Trail:
        return Trail(at, doing.caller, doing.name, ref.hex(), doing.reason)

    def _leave(self, trail: Trail, refusal: RuleViolation | ChassisError) -> None:
        outcome = refusal.rule if isinstance(refusal, RuleViolation) else refusal.reason
        self._database.run_tx(
            "signoff.refused", lambda session: trail.write(session, f"refused {outcome}")
        )


def require_accounts(accounts: Accounts) -> None:
    """Nothing, if the unit has administrators. Refused in a trial: there is nothing to sign."""
    if accounts.open_to_all:
        raise Refused(
            "no administrators: declarations go straight into the match, nothing is signed here",
            "本单位没有设系统、安全、审计管理员（试用）：申报导入后直接参加比对，不办理签署和录入。",
            reason="NO_ADMINISTRATORS",
        )


def require_unchanged(version: StagedVersion, seen: Seen) -> None:
    """Nothing, if the version is as it was seen. Conflict otherwise."""
    if (seen.step, seen.digest) != (version.step, version.course.digest):
        raise Conflict(
            "the version has changed since it was seen; look at it again",
            "该申报刚刚已有新的办理，请重新查看最新情况后再办理。",
            reason="VERSION_CHANGED",
            details={"step": str(version.step)},
        )


def require_same_step(version: StagedVersion, seen: Seen) -> None:
    """As ``require_unchanged``, but leaves altered content to the rules, which say what to do (R21)."""
    if seen.digest == version.course.digest:
        require_unchanged(version, seen)


def _which(refused: RuleViolation, position: int) -> RuleViolation:
    """The refusal, saying which of several versions it is about. No name: it goes into logs."""
    en, zh = str(refused), refused.message_zh
    return RuleViolation(
        refused.rule,
        f"number {position} of the call: {en.removeprefix(f'{refused.rule}: ')}",
        f"第{position}份：{zh.removesuffix(f'（规则{refused.rule}）')}；本次各份均未办理",
    )
