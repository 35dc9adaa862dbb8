"""Reports with their content: sealed to each recipient and signed, or opened (``libmatch.reports``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from libmatch.errors import EncodingError
from libmatch.keys import seal_to
from libmatch.manifest import Member, Role
from libmatch.records import SIGNATURE_SIZE
from libmatch.reports import Report, Stage, make_copies, seal_info, verify_report
from services.holder.material import Material


@dataclass(frozen=True, repr=False)
class Said:
    """What a report is to carry: ``body`` under its number in the case, at its time (µs UTC)."""

    case_id: bytes
    seq: int
    at_us: int
    stage: Stage
    body: bytes


def members_of(material: Material, units: Iterable[str]) -> list[Member]:
    """Those of ``units`` that the roster has active, and 纪委."""
    wanted = frozenset(units)
    return [
        member
        for member in material.epoch.roster.members
        if member.active and (member.unit in wanted or member.roles & Role.INSPECTOR)
    ]


def seal_said(material: Material, said: Said, recipients: Sequence[Member]) -> Report:
    """The report in the epoch in force, a copy for each of ``recipients``."""
    epoch, unit, side = material.epoch.epoch_id, material.unit, material.side
    head = (epoch, said.case_id, unit, side, said.seq)
    copies = make_copies(
        material.suite,
        [
            (member.unit, seal_to(member.hpke_key, said.body, seal_info(*head, member.unit)))
            for member in recipients
        ],
    )
    draft = Report(*head, said.stage, said.at_us, copies, bytes(SIGNATURE_SIZE))
    signature = material.holder.signing_key.sign(draft.signed_bytes())
    return Report(*head, said.stage, said.at_us, copies, signature)


def open_copy(material: Material, report: Report) -> bytes:
    """What the report says to this unit, once its sender's signature holds in the report's epoch.

    Raises EpochError, ManifestError, BatchError, or EncodingError where it does not open.
    """
    verify_report(material.find_epoch(report.epoch), report)
    own = [copy.sealed for copy in report.copies if copy.recipient == material.unit]
    if len(own) != 1 or own[0] is None:
        raise EncodingError("the report has no copy for this unit")
    body = material.hpke.open(own[0], report.seal_info(material.unit))
    if body is None:
        raise EncodingError("the report does not open with this unit's key")
    return body
