"""Reads what units reported on their cases, checks who signed it, and opens the copy for 纪委 (R40).

A bad report is a dispute and holds up no other. Whoever is answerable is named: the unit for what it
signed, the matcher for what no unit signed or what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from libmatch.errors import BatchError, EncodingError, EpochError, ManifestError, ServiceError
from libmatch.keys import HpkePrivateKey
from libmatch.manifest import Epoch, Role
from libmatch.reports import Report, ReportCopy, verify_report
from services.inspector.disputes import MATCHER, Dispute, unknown_party
from services.inspector.epochs import Epochs, find_member
from services.inspector.matcher import ListedReport, Review, is_passing
from services.inspector.states import DisputeKind, ReportState
from services.inspector.store.disputes import Disputes
from services.inspector.store.reports import Judged, Reports

_PIECE = 200  # judged again in one transaction


@dataclass(frozen=True)
class Collected:
    """What one round of reading came to."""

    reports: int = 0
    disputes: int = 0


class CollectReports:
    """The reports of one matcher, followed by number."""

    def __init__(
        self,
        review: Review,
        reports: Reports,
        disputes: Disputes,
        epochs: Epochs,
        key: HpkePrivateKey,
        now: Callable[[], datetime],
    ) -> None:
        self._review = review
        self._reports = reports
        self._disputes = disputes
        self._epochs = epochs
        self._key = key
        self._now = now

    def run(self) -> Collected:
        """What was opened just now. Raises ServiceError; then what was opened before it is kept."""
        opened = disputes = 0
        try:
            for page, gaps in self._pages():
                kept = self._reports.keep([self.judge(one) for one in page], gaps, self._now())
                opened, disputes = opened + kept.opened, disputes + kept.disputes
        except EncodingError:
            dispute = Dispute(DisputeKind.LISTING, (MATCHER,), detail="事项报告")
            disputes += self._disputes.add([dispute], self._now())
        except ServiceError as error:
            if is_passing(error):
                raise
            structlog.get_logger().error("reports.not-listed", reason=error.reason)
        return Collected(opened, disputes)

    def _pages(self) -> Iterator[tuple[Sequence[ListedReport], list[Dispute]]]:
        """What is to be judged, piece by piece, with the gaps in its numbers."""
        while due := self._reports.read_due(_PIECE):
            yield due, []
        after = self._reports.read_cursor()
        while page := self._review.list_reports(after):
            yield page, list(_find_gaps(after, page))
            after = page[-1].number

    def judge(self, listed: ListedReport) -> Judged:
        """The verdict on one line of the list."""
        report = listed.report
        if report is None:
            detail = f"报告{listed.number}"
            return _refuse(listed, DisputeKind.MALFORMED, MATCHER, detail)
        epoch = self._epochs.find(report.epoch)
        if epoch is None or find_member(epoch, report.unit) is None:
            # Not known here does not mean not enrolled: 纪委's roster may be older than the matcher's.
            unknown = unknown_party(report.unit if epoch else None)
            return Judged(listed, ReportState.WAITING, dispute=unknown)
        detail = f"{report.unit}（报告{listed.number}）"
        try:
            verify_report(epoch, report)
        except (EpochError, ManifestError):
            return _refuse(listed, DisputeKind.REPORT_UNSIGNED, MATCHER, detail)
        except BatchError:
            return _refuse(listed, DisputeKind.REPORT_ALTERED, MATCHER, detail)
        return self._open(listed, epoch, report, detail)

    def _open(self, listed: ListedReport, epoch: Epoch, report: Report, detail: str) -> Judged:
        own = _find_copy(epoch, report, self._key.public_key)
        if own is not None and own.sealed is None:
            return _refuse(listed, DisputeKind.REPORT_ALTERED, MATCHER, detail)
        if own is not None and own.sealed is not None:
            body = self._key.open(own.sealed, report.seal_info(own.recipient))
            if body is not None:
                return Judged(listed, ReportState.OPENED, body)
        return _refuse(listed, DisputeKind.REPORT, report.unit, detail)


def _find_copy(epoch: Epoch, report: Report, public_key: bytes) -> ReportCopy | None:
    """The copy for the inspector whose key this is; None where the unit sealed none to it."""
    own = {
        member.unit
        for member in epoch.roster.members
        if member.roles & Role.INSPECTOR and member.hpke_key == public_key
    }
    return next((copy for copy in report.copies if copy.recipient in own), None)


def _refuse(listed: ListedReport, kind: DisputeKind, answerable: str, detail: str) -> Judged:
    evidence = listed.report.encode() if listed.report else b""
    dispute = Dispute(kind, (answerable,), b"", detail, evidence)
    return Judged(listed, ReportState.DISPUTED, dispute=dispute)


def _find_gaps(after: int, page: Sequence[ListedReport]) -> Iterator[Dispute]:
    """Numbers are gap-free from 1: a dispute for each run that is missing."""
    for listed in page:
        first, last = after + 1, listed.number - 1
        if first <= last:
            run = str(first) if first == last else f"{first}-{last}"
            yield Dispute(DisputeKind.REPORT_GAP, (MATCHER,), detail=run)
        after = listed.number
