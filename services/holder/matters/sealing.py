"""Reports with their content: sealed to each recipient and signed, or opened (``libmatch.reports``)."""

from __future__ import annotations

from collections.abc import Sequence

from libmatch.errors import EncodingError
from libmatch.keys import seal_to
from libmatch.manifest import Member
from libmatch.records import SIGNATURE_SIZE
from libmatch.reports import Report, Stage, make_copies, seal_info, verify_report
from services.holder.material import Material
from services.process.entries import Entry


def seal_entry(
    material: Material, entry: Entry, stage: Stage, recipients: Sequence[Member]
) -> Report:
    """The report of an own entry, a copy for each of ``recipients``."""
    epoch, unit, side = material.epoch.epoch_id, material.unit, material.side
    head = (epoch, entry.case_id, unit, side, entry.seq)
    body = entry.encode()
    copies = make_copies(
        material.suite,
        [
            (member.unit, seal_to(member.hpke_key, body, seal_info(*head, member.unit)))
            for member in recipients
        ],
    )
    draft = Report(*head, stage, entry.at_us, copies, bytes(SIGNATURE_SIZE))
    signature = material.holder.signing_key.sign(draft.signed_bytes())
    return Report(*head, stage, entry.at_us, copies, signature)


def open_copy(material: Material, report: Report) -> bytes:
    """What the report says to this unit, once its sender's signature holds.

    Raises EpochError, ManifestError, BatchError, or EncodingError where it does not open.
    """
    verify_report(material.epoch, report)
    own = [copy.sealed for copy in report.copies if copy.recipient == material.unit]
    if len(own) != 1 or own[0] is None:
        raise EncodingError("the report has no copy for this unit")
    body = material.hpke.open(own[0], report.seal_info(material.unit))
    if body is None:
        raise EncodingError("the report does not open with this unit's key")
    return body
