"""Decides that notices of a case leave: at once, or when two different officers agreed to what it says.

A case whose person has two names never leaves at once: it waits for an officer.

Whatever decides is in the audit trail with the reason, case by case where an officer does. What follows
from a release needs no further agreement: a unit that declares the same later gets its notice, and a
correction is told to those who were told otherwise (``notices``). An officer counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from services.chassis.identity import Identity
from services.chassis.observe import scrub_text
from services.chassis.refusals import InvalidRequest
from services.inspector.states import ReleasePolicy
from services.inspector.store.cases import Agreed, Cases
from services.inspector.store.trail import Trail

MAX_CASES = 1000  # of one request
_MAX_REASON = 200
_CASE_ID_SIZE = 16
_PIECE = 500


class Release:
    """Releases by policy and by officers."""

    def __init__(
        self,
        cases: Cases,
        policy: ReleasePolicy,
        own: Identity,
        now: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._cases = cases
        self._needed = 1 if policy is ReleasePolicy.IMMEDIATE else 2
        self._policy = policy
        self._own = own
        self._now = now
        self._wake = wake

    def run_policy(self) -> int:
        """The number of cases released because the policy says at once.

        Not where the declaration and the list name the person differently: an officer decides on these.
        """
        if self._policy is not ReleasePolicy.IMMEDIATE:
            return 0
        trail = Trail(self._now(), self._own, "case.release", "policy: immediate")
        last = released = 0
        while True:
            last, piece = self._cases.release_opened(last, _PIECE, trail)
            if not last:
                return released
            released += piece

    def agree(self, officer: Identity, case_ids: Sequence[bytes], reason: str) -> Agreed:
        """What came of an officer's agreement; notices leave with the next round, which is woken.

        Raises InvalidRequest (no reason, no or too many cases), NotFound; then nothing is kept.
        """
        if not 1 <= len(case_ids) <= MAX_CASES:
            raise InvalidRequest(
                f"a request names 1 to {MAX_CASES} cases", f"每次须指定1至{MAX_CASES}件。"
            )
        if any(len(case_id) != _CASE_ID_SIZE for case_id in case_ids):
            raise InvalidRequest("a case id has 16 bytes", "比中编号不正确。")
        trail = Trail(self._now(), officer, "case.release", check_reason(reason))
        agreed = self._cases.agree(list(dict.fromkeys(case_ids)), self._needed, trail)
        if agreed.released:
            self._wake()
        return agreed


def check_reason(reason: str) -> str:
    """The reason for the trail, without spaces around it. Raises InvalidRequest."""
    reason = reason.strip()
    if not reason:
        raise InvalidRequest("a reason is needed for the trail", "请写明事由。")
    if len(reason) > _MAX_REASON:
        raise InvalidRequest("the reason is too long", f"事由过长，最多{_MAX_REASON}个字。")
    if scrub_text(reason) != reason:
        text = "事由里不要写证件号码、电话号码或账号。"
        raise InvalidRequest("the reason holds what looks like personal data", text)
    return reason
