"""A sealed notice as everybody may see it: who it is for, which hit, who signed (spec section 6).

The keyless half of ``notices``: the matcher carries sealed notices and checks with this module that 纪委
signed them and that the unit acknowledged them; it opens none.
"""

from __future__ import annotations

from dataclasses import dataclass

from libmatch.encoding import enc, exactly, u8
from libmatch.errors import BatchError, EncodingError, ManifestError
from libmatch.manifest import Epoch, Member, Role
from libmatch.records import SIGNATURE_SIZE, WORD, Hit, Side, check_unit
from libmatch.suites import HPKE_OVERHEAD, Suite, get_suite, verify_signature

NOTICE_ID_SIZE = 16
MAX_SEALED = 16 * 1024  # a notice has ten short texts; the longest fits in 2 KiB


@dataclass(frozen=True, repr=False)
class SealedNotice:
    """A notice that only ``unit`` opens and that 纪委 signed; the matcher only carries it."""

    epoch: bytes
    notice_id: bytes
    unit: str
    side: Side
    hit_id: bytes
    sealed: bytes
    signature: bytes

    def __post_init__(self) -> None:
        exactly(self.epoch, WORD, "an epoch id")
        exactly(self.notice_id, NOTICE_ID_SIZE, "a notice id")
        check_unit(self.unit)
        exactly(self.hit_id, WORD, "a hit id")
        exactly(self.signature, SIGNATURE_SIZE, "a signature")
        if not HPKE_OVERHEAD <= len(self.sealed) <= MAX_SEALED:
            raise EncodingError("a sealed notice is an HPKE ciphertext of at most 16 KiB")

    def signed_bytes(self, suite: Suite) -> bytes:
        """``enc("notice-sign", E, notice id, unit, u8 side, hit id, H(sealed))``."""
        unit, digest = self.unit.encode("ascii"), suite.h(self.sealed)
        head = (self.epoch, self.notice_id, unit, u8(self.side), self.hit_id)
        return enc("notice-sign", *head, digest)

    def ack_bytes(self, suite: Suite) -> bytes:
        """``enc("notice-ack", E, notice id, H(sealed))``: what a unit signs to acknowledge."""
        return enc("notice-ack", self.epoch, self.notice_id, suite.h(self.sealed))


def hit_id(suite: Suite, epoch: bytes, hit: Hit) -> bytes:
    """``H(enc("hit", E, registry unit, registry rid, beneficiary unit, beneficiary rid))``, 32 bytes."""
    a, b = hit.registry, hit.beneficiary
    return suite.h(enc("hit", epoch, a.unit.encode(), a.rid, b.unit.encode(), b.rid))


def verify_notice(epoch: Epoch, notice: SealedNotice) -> None:
    """Return if an active inspector of the roster signed the notice. Raises ManifestError."""
    message = notice.signed_bytes(get_suite(epoch.manifest.suite))
    for member in epoch.roster.with_role(Role.INSPECTOR):
        if verify_signature(member.signing_key, message, notice.signature):
            return
    raise ManifestError("the notice is not signed by the discipline commission of the roster")


def verify_acknowledgement(
    epoch: Epoch, member: Member, notice: SealedNotice, signature: bytes
) -> None:
    """Return if ``member``, whom the notice is for, signed its acknowledgement. Raises BatchError."""
    message = notice.ack_bytes(get_suite(epoch.manifest.suite))
    if member.unit != notice.unit or not verify_signature(member.signing_key, message, signature):
        raise BatchError("the signature of the acknowledgement does not hold")
