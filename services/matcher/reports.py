"""Reports of units on the matters that they are party of: checked, kept, relayed; none is opened.

What a report means is read from its stage alone, and only by the gate (``services.matcher.standing``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from libmatch.errors import EpochError, ManifestError
from libmatch.manifest import Role
from libmatch.reports import Report, verify_report
from services.chassis.refusals import InvalidRequest, Refused
from services.matcher.epoch import EpochFolder
from services.matcher.store.reports import ReportStore


class Reports:
    """What parties of a case tell each other. ``peer`` is always the unit that the certificate names."""

    def __init__(
        self, store: ReportStore, epochs: EpochFolder, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._epochs = epochs
        self._now = now

    def accept(self, peer: str, report: Report) -> int:
        """The report's leaf in the log: it was kept for all recipients. Repeated: the same leaf.

        Raises EpochError, Refused (another unit, signature, recipient), InvalidRequest (a copy is missing),
        BatchError (a copy was altered), NotFound, ConflictError, SequenceError.
        """
        epoch = self._epochs.in_force()
        if report.unit != peer:
            raise Refused(
                "a unit reports in its own name only",
                "只能以本单位的名义报告。",
                reason="OTHER_UNIT",
            )
        if any(copy.sealed is None for copy in report.copies):
            raise InvalidRequest("a report comes with the copy for each recipient")
        try:
            verify_report(epoch, report)
        except EpochError:
            raise
        except ManifestError as error:
            raise Refused(
                str(error), "报告没有本单位的有效签名。", reason="REPORT_SIGNATURE"
            ) from None
        inspectors = {member.unit for member in epoch.roster.with_role(Role.INSPECTOR)}
        return self._store.accept(
            report, report.digest(self._epochs.suite), inspectors, self._now()
        )
