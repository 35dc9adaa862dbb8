"""A unit's step in a matter as everybody may see it: which case, whose, what it means for the gate.

A report goes from one party of a case to the others and to 纪委, sealed to each by its unit (``seal_info``)
and relayed by the matcher, which opens none: it reads the stage, and lets the gate follow it (R47). This is
the keyless half. Whoever gets a report sees who else got a copy, and a digest of each, but no other copy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

from libmatch.encoding import dec, enc, exactly, u8, u64, uint
from libmatch.errors import BatchError, EncodingError, EpochError, ManifestError
from libmatch.manifest import Epoch, Member
from libmatch.records import SIGNATURE_SIZE, WORD, Side, check_unit
from libmatch.suites import HPKE_OVERHEAD, Suite, get_suite, verify_signature

CASE_ID_SIZE = 16
MAX_COPIES = 32
MAX_SEALED = 16 * 1024  # of one copy; a step of a matter has few and short texts
_NUMBERS = 1 << 63


class Stage(IntEnum):
    """What a report means for the gate. Numbers are normative (``matcher.v1.Stage``).

    A verdict (COMPLIANT, NOT_COMPLIANT) and OBJECTION_CLOSED are the approving unit's alone. A verdict
    voids what was posted before it and closes open objections; OBJECTION_CLOSED closes them and leaves the
    postings: the objection was not upheld. POSTED begins a posting in the reporting unit's own place and
    ends an earlier one there; COMPLETED says that its days are over, TAKEN_DOWN that it is gone.
    """

    NOTE = 0
    COMPLIANT = 1
    NOT_COMPLIANT = 2
    POSTED = 3
    COMPLETED = 4
    TAKEN_DOWN = 5
    OBJECTED = 6
    OBJECTION_CLOSED = 7


APPROVERS_ALONE = frozenset({Stage.COMPLIANT, Stage.NOT_COMPLIANT, Stage.OBJECTION_CLOSED})


@dataclass(frozen=True, repr=False)
class ReportCopy:
    """The copy for ``recipient``: ``digest`` is H(sealed), 32 bytes; ``sealed`` None where withheld."""

    recipient: str
    digest: bytes
    sealed: bytes | None

    def __post_init__(self) -> None:
        check_unit(self.recipient)
        exactly(self.digest, WORD, "the digest of a copy")
        if self.sealed is not None and not HPKE_OVERHEAD <= len(self.sealed) <= MAX_SEALED:
            raise EncodingError("a copy of a report is an HPKE ciphertext of at most 16 KiB")


@dataclass(frozen=True, repr=False)
class Report:
    """One step of ``unit``, as ``side`` of the case, signed by it.

    ``case_id`` 16 bytes, given by 纪委; ``seq`` from 1, without gaps in (case, unit, side); ``at_us`` is the
    unit's own time of the step in microseconds UTC (the gate goes by the matcher's clock). ``copies`` in
    order of recipient, 1 to 32.
    """

    epoch: bytes
    case_id: bytes
    unit: str
    side: Side
    seq: int
    stage: Stage
    at_us: int
    copies: tuple[ReportCopy, ...]
    signature: bytes

    def __post_init__(self) -> None:
        exactly(self.epoch, WORD, "an epoch id")
        exactly(self.case_id, CASE_ID_SIZE, "a case id")
        check_unit(self.unit)
        exactly(self.signature, SIGNATURE_SIZE, "a signature")
        if not 1 <= self.seq < _NUMBERS or not 0 <= self.at_us < _NUMBERS:
            raise EncodingError("a report's number is from 1, its number and time below 2^63")
        if self.stage in APPROVERS_ALONE and self.side is not Side.BENEFICIARY:
            raise BatchError("the approving unit alone verifies and closes objections")
        names = [copy.recipient for copy in self.copies]
        if not 1 <= len(names) <= MAX_COPIES or names != sorted(set(names)):
            raise EncodingError(f"a report has 1 to {MAX_COPIES} copies, in order of recipient")

    def signed_bytes(self) -> bytes:
        """``enc("report", E, case, unit, u8 side, u64 seq, u8 stage, u64 time, name, digest, …)``."""
        copies = (part for copy in self.copies for part in (copy.recipient.encode(), copy.digest))
        who = (self.case_id, self.unit.encode("ascii"), u8(self.side), u64(self.seq))
        return enc("report", self.epoch, *who, u8(self.stage), u64(self.at_us), *copies)

    def digest(self, suite: Suite) -> bytes:
        """``H(signed bytes)``, 32 bytes: what the log and a repetition are compared by."""
        return suite.h(self.signed_bytes())

    def seal_info(self, recipient: str) -> bytes:
        """``enc("report-to", E, case, unit, u8 side, u64 seq, recipient)``: HPKE's info of a copy."""
        return seal_info(self.epoch, self.case_id, self.unit, self.side, self.seq, recipient)

    def only_for(self, recipients: Collection[str]) -> Report:
        """The report without the sealed bytes of other copies; its signature still verifies."""
        copies = (c if c.recipient in recipients else replace(c, sealed=None) for c in self.copies)
        return replace(self, copies=tuple(copies))

    def encode(self) -> bytes:
        """``enc("sealed-report", signed bytes, signature, sealed or nothing, …)``: for outboxes."""
        sealed = (copy.sealed or b"" for copy in self.copies)
        return enc("sealed-report", self.signed_bytes(), self.signature, *sealed)

    @classmethod
    def decode(cls, data: bytes) -> Report:
        """The report in stored bytes. Raises EncodingError or BatchError."""
        fields = dec("sealed-report", data)
        if len(fields) < 2:
            raise EncodingError("a report has a body and a signature")
        return _decode(fields[0], fields[1], fields[2:])


def seal_info(
    epoch: bytes, case_id: bytes, unit: str, side: Side, seq: int, recipient: str
) -> bytes:
    """HPKE's info of the copy for ``recipient``; see ``Report.seal_info``."""
    who = (unit.encode("ascii"), u8(side), u64(seq), recipient.encode("ascii"))
    return enc("report-to", epoch, case_id, *who)


def make_copies(suite: Suite, sealed: Iterable[tuple[str, bytes]]) -> tuple[ReportCopy, ...]:
    """The copies of (recipient, sealed bytes), in order of recipient. Raises EncodingError."""
    return tuple(ReportCopy(name, suite.h(body), body) for name, body in sorted(sealed))


def verify_report(epoch: Epoch, report: Report) -> Member:
    """The member of the roster, revoked or not, that signed ``report``; every copy in it fits its digest.

    Raises EpochError, ManifestError (not a member, or not of that side; signature), BatchError (copy).
    """
    if report.epoch != epoch.epoch_id:
        raise EpochError("the report belongs to another epoch")
    suite, member = get_suite(epoch.manifest.suite), epoch.roster.find(report.unit)
    if not member.may_submit(report.side) or not verify_signature(
        member.signing_key, report.signed_bytes(), report.signature
    ):
        raise ManifestError("the report is not signed by that unit and side of the roster")
    for copy in report.copies:
        if copy.sealed is not None and suite.h(copy.sealed) != copy.digest:
            raise BatchError("a copy of the report is not the one that its sender signed")
    return member


def _decode(body: bytes, signature: bytes, sealed: list[bytes]) -> Report:
    fields = dec("report", body)
    head, pairs = fields[:7], fields[7:]
    if len(head) < 7 or len(pairs) != 2 * len(sealed):
        raise EncodingError("a report names its case, its step and its copies")
    epoch, case_id, unit, side, seq, stage, time = head
    try:
        copies = tuple(
            ReportCopy(name.decode("ascii"), digest, part or None)
            for name, digest, part in zip(pairs[::2], pairs[1::2], sealed, strict=True)
        )
        name, known, step = unit.decode("ascii"), Side(uint(side, 1)), Stage(uint(stage, 1))
    except ValueError:
        raise EncodingError("not a report") from None
    return Report(epoch, case_id, name, known, uint(seq, 8), step, uint(time, 8), copies, signature)
