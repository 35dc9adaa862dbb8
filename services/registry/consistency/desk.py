"""What people see and do: how the cross-check goes, and the findings about this unit's officials.

Findings are for the unit's discipline organ and its responsible leader; the worker who enters
declarations sees whom nobody could be asked about, and no finding (R53, R56).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import ChassisError, NotFound, WrongState
from services.holder.accounts import Accounts
from services.holder.reasons import check_reason
from services.holder.references import check_ref
from services.process.store.trail import Trail
from services.registry.consistency.claims import Sorted
from services.registry.consistency.letters import Letterbox
from services.registry.consistency.rounds import AT_LEAST_EVERY, ConsistencyRounds
from services.registry.consistency.values import Finding, FindingState, LastRun
from services.registry.store import consistency as store
from services.registry.store.consistency import Transaction

SILENT_AFTER = AT_LEAST_EVERY + timedelta(days=7)


@dataclass(frozen=True, repr=False)
class CheckState:
    """How the cross-check goes. ``silent``: names of units whose last letter is two weeks old, or missing."""

    last: LastRun | None
    waiting: int
    sorted: Sorted
    silent: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class ShownFinding:
    """A finding with its sender's display name."""

    finding: Finding
    sender_name: str


class ConsistencyDesk:
    """The cross-check of one unit, as people see it."""

    def __init__(
        self,
        database: Database,
        rounds: ConsistencyRounds,
        box: Letterbox,
        accounts: Accounts,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._rounds = rounds
        self._box = box
        self._accounts = accounts
        self._now = now

    def run(self, caller: Identity) -> CheckState:
        """Writes to all units now, and takes in what is there; what cannot be sent waits."""
        self._database.run_tx(
            "consistency.run", Trail(self._now(), caller, "run-consistency").write
        )
        self._rounds.run()
        return self.state()

    def state(self) -> CheckState:
        """How it goes: numbers, names of units, and work units as forms have them; no person."""

        def read(session: Transaction) -> tuple[LastRun | None, int, dict[str, datetime]]:
            epoch = self._box.epoch_id
            waiting = store.count_waiting(session, epoch)
            return store.last_run(session), waiting, store.read_heard(session, epoch)

        last, waiting, heard = self._database.read(read)
        since = self._now() - SILENT_AFTER
        silent = (
            member.display_name
            for member in self._box.members()
            if member.unit != self._box.unit
            and (member.unit not in heard or heard[member.unit] < since)
        )
        return CheckState(last, waiting, self._rounds.sort(), tuple(silent))

    def list_findings(
        self, caller: Identity, reason: str, *, decided: bool = False
    ) -> list[ShownFinding]:
        """The open findings, or all; leaves its trail. RuleViolation R63 without a reason."""
        why = self._accounts.look_reason(reason)
        trail = Trail(self._now(), caller, "list-findings", reason=why)

        def run(session: Transaction) -> list[Finding]:
            trail.write(session)
            return store.read_findings(session, *(() if decided else (FindingState.OPEN,)))

        names = {member.unit: member.display_name for member in self._box.members()}
        return [
            ShownFinding(finding, names.get(finding.sender, finding.sender))
            for finding in self._database.run_tx("consistency.list", run)
        ]

    def decide(
        self, caller: Identity, finding_id: bytes, state: FindingState, grounds: str
    ) -> None:
        """Settles or dismisses an open finding on ``grounds``; what is refused leaves its trail.

        Raises InvalidRequest (grounds), NotFound, WrongState for one that is not open.
        """
        verb = "settle-finding" if state is FindingState.SETTLED else "dismiss-finding"
        trail = Trail(self._now(), caller, verb, check_ref(finding_id).hex())

        def run(session: Transaction) -> None:
            _require_open(store.find_finding(session, finding_id))
            decided = (trail.at, check_reason(grounds), caller.login or caller.name)
            store.decide(session, finding_id, state, *decided)
            trail.write(session)

        try:
            self._database.run_tx("consistency.decide", run)
        except ChassisError as refusal:
            told = f"refused {refusal.reason}"
            self._database.run_tx("consistency.refused", lambda session: trail.write(session, told))
            raise


def _require_open(finding: Finding | None) -> None:
    if finding is None:
        raise NotFound("no such finding", "没有这个编号的核对线索。")
    if finding.state is not FindingState.OPEN:
        raise WrongState(
            "the finding is not open any more",
            "该核对线索已办结或已自行消除，请重新查看（规则R53）。",
            reason="FINDING_DECIDED",
        )
