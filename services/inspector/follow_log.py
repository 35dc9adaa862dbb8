"""Follows the matcher's audit log: each checkpoint extends the one before, or everything stops."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from libmatch.auditlog import Checkpoint
from libmatch.encoding import enc
from libmatch.errors import LogError
from services.chassis.refusals import WrongState
from services.inspector.disputes import MATCHER, Dispute
from services.inspector.matcher import Log
from services.inspector.states import DisputeKind
from services.inspector.store.disputes import Disputes

_MAX_NOTE = 64 * 1024  # what libmatch.auditlog reads of a signed note


class LogContradicts(WrongState):
    """The matcher's log does not extend what was seen of it; nothing more is taken from it."""

    reason = "LOG_CONTRADICTS"
    zh = (
        "比对平台的审计日志前后矛盾，已停止拉取并保存证据。请勿使用平台结果，并立即核查平台运维方。"
    )


class FollowLog:
    """纪委's watch over the log."""

    def __init__(self, log: Log, disputes: Disputes, now: Callable[[], datetime]) -> None:
        self._log = log
        self._disputes = disputes
        self._now = now

    def run(self) -> Checkpoint:
        """The proved checkpoint of now. Raises LogContradicts, with the evidence kept, or ServiceError."""
        try:
            return self._log.advance()
        except LogError as error:
            remembered, heard = self._log.evidence()
            notes = (note[:_MAX_NOTE].encode() for note in (remembered, heard))
            dispute = Dispute(
                DisputeKind.LOG,
                (MATCHER,),
                detail=_size_in(remembered),
                evidence=enc("evidence-log", *notes),
            )
            self._disputes.add([dispute], self._now())
            structlog.get_logger().error("log.contradicts", why=str(error))
            raise LogContradicts(str(error)) from error


def _size_in(note: str) -> str:
    """The size that a verified checkpoint names; 0 before the first."""
    return note.split("\n")[1] if note else "0"
