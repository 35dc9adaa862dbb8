"""How far batches, hits, notices and cases have come, and what disputes are about. Values only."""

from __future__ import annotations

from enum import StrEnum


class ReleasePolicy(StrEnum):
    """When notices of a case leave."""

    IMMEDIATE = "immediate"  # with the round that opens it
    TWO_OFFICERS = "two_officers"  # once two different officers agreed to what it says


class BatchState(StrEnum):
    """What became of a batch's capsule."""

    OPENS = "opens"
    BAD = "bad"
    WAITING = "waiting"  # its unit or epoch is not in the kit
    DUE = "due"  # waited, and is to be judged again
    GONE = "gone"  # waited until it was withdrawn


class HitState(StrEnum):
    """How far a listed hit has come."""

    LISTED = "listed"  # to be fetched and opened
    OPENED = "opened"
    DISPUTED = "disputed"
    WAITING = "waiting"  # a unit or the epoch is not in the kit
    WITHDRAWN = "withdrawn"  # a record was withdrawn before it was opened


class NoticeState(StrEnum):
    """How far a sealed notice has come."""

    WAITING = "waiting"  # stored, to be sent
    SENT = "sent"
    VOID = "void"  # the pair was withdrawn before it was sent
    REFUSED = "refused"  # the matcher does not take it; a dispute tells


class AssignmentState(StrEnum):
    """Whether the matcher knows which case a hit belongs to."""

    TOLD = "told"
    REFUSED = "refused"  # the matcher does not take it; a dispute tells


class ReportState(StrEnum):
    """What became of a unit's report."""

    OPENED = "opened"
    DISPUTED = "disputed"
    WAITING = "waiting"  # its unit or epoch is not in the kit
    DUE = "due"  # waited, and is to be judged again


class StaffPost(StrEnum):
    """For which of the two people of a unit a staff form was filed (R30, R57)."""

    LEADER = "leader"
    WORKER = "worker"


class CaseStatus(StrEnum):
    """What a case is, from its pairs and its release."""

    OPENED = "opened"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"  # no live pair says it


class DisputeKind(StrEnum):
    """What a dispute is about; ``disputes.WHAT_ZH`` has the words."""

    LOG = "log"
    LISTING = "listing"
    GAP = "gap"
    CONTRADICTION = "contradiction"
    NOT_LOGGED = "not-logged"
    WITHHELD = "withheld"
    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    CAPSULE = "capsule"
    ROW = "row"
    RECORD = "record"
    PERSONS = "persons"
    UNKNOWN_PARTY = "unknown-party"
    NOTICE = "notice"
    ASSIGNMENT = "assignment"
    REPORT = "report"
    REPORT_UNSIGNED = "report-unsigned"
    REPORT_ALTERED = "report-altered"
    REPORT_REPEATED = "report-repeated"
    REPORT_GAP = "report-gap"
    REPORT_BODY = "report-body"


# These end when the hit opens; the others stay, for what was once shown cannot be taken back.
PASSING = frozenset(
    {
        DisputeKind.WITHHELD,
        DisputeKind.MALFORMED,
        DisputeKind.NOT_LOGGED,
        DisputeKind.ROW,
        DisputeKind.RECORD,
        DisputeKind.PERSONS,
    }
)
