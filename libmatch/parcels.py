"""Files from one member of the roster to another, sealed to the one and signed by the other.

For what goes from hand to hand and through no service, such as a lead for another discipline organ. Who
carries the file sees from whom and for whom it is, and of what kind. Spec: docs/spec/parcels.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from libmatch.encoding import dec, enc, exactly
from libmatch.errors import EncodingError, EpochError, ManifestError
from libmatch.keys import HpkePrivateKey, SigningKey, seal_to
from libmatch.manifest import Epoch
from libmatch.records import SIGNATURE_SIZE, WORD, check_unit
from libmatch.suites import HPKE_OVERHEAD, Suite, get_suite, verify_signature

MAX_BODY = 1 << 20
_MAX_KIND = 32


@dataclass(frozen=True, repr=False)
class Parcel:
    """A sealed file as everybody may see it. ``kind``: what it holds, such as ``"lead"``."""

    epoch: bytes
    kind: str
    sender: str
    recipient: str
    sealed: bytes
    signature: bytes

    def __post_init__(self) -> None:
        exactly(self.epoch, WORD, "an epoch id")
        exactly(self.signature, SIGNATURE_SIZE, "a signature")
        check_unit(self.sender)
        check_unit(self.recipient)
        if not self.kind.isascii() or not 1 <= len(self.kind) <= _MAX_KIND:
            raise EncodingError(f"the kind of a parcel is a word of at most {_MAX_KIND} letters")
        if not HPKE_OVERHEAD <= len(self.sealed) <= MAX_BODY + HPKE_OVERHEAD:
            raise EncodingError("a parcel holds an HPKE ciphertext of at most 1 MiB")

    def signed_bytes(self, suite: Suite) -> bytes:
        """``enc("parcel-sign", E, kind, sender, recipient, H(sealed))``."""
        return enc("parcel-sign", *self._head(), suite.h(self.sealed))

    def seal_info(self) -> bytes:
        """``enc("parcel-to", E, kind, sender, recipient)``: HPKE's info."""
        return enc("parcel-to", *self._head())

    def encode(self) -> bytes:
        """``enc("parcel", E, kind, sender, recipient, sealed, signature)``: the file's bytes."""
        return enc("parcel", *self._head(), self.sealed, self.signature)

    def _head(self) -> tuple[bytes, ...]:
        who = (self.sender.encode("ascii"), self.recipient.encode("ascii"))
        return self.epoch, self.kind.encode("ascii"), *who

    @classmethod
    def decode(cls, data: bytes) -> Parcel:
        """The parcel in a file. Raises EncodingError."""
        epoch, kind, sender, recipient, sealed, signature = dec("parcel", data, 6)
        try:
            names = (kind.decode("ascii"), sender.decode("ascii"), recipient.decode("ascii"))
        except UnicodeDecodeError:
            raise EncodingError("not a parcel") from None
        return cls(epoch, *names, sealed, signature)


def seal_parcel(
    epoch: Epoch, kind: str, sender: str, key: SigningKey, recipient: str, body: bytes
) -> bytes:
    """The file with ``body`` (at most 1 MiB) for the active member ``recipient``.

    Raises ManifestError for one that is not in the roster, or was revoked; EncodingError.
    """
    member = epoch.roster.find(recipient)
    if not member.active:
        raise ManifestError("the recipient was revoked")
    draft = Parcel(
        epoch.epoch_id, kind, sender, recipient, bytes(HPKE_OVERHEAD), bytes(SIGNATURE_SIZE)
    )
    sealed = seal_to(member.hpke_key, body, draft.seal_info())
    unsigned = Parcel(epoch.epoch_id, kind, sender, recipient, sealed, bytes(SIGNATURE_SIZE))
    signature = key.sign(unsigned.signed_bytes(get_suite(epoch.manifest.suite)))
    return Parcel(epoch.epoch_id, kind, sender, recipient, sealed, signature).encode()


def open_parcel(
    epoch: Epoch, kind: str, own: str, key: HpkePrivateKey, data: bytes
) -> tuple[str, bytes]:
    """(sender, body) of a file for ``own``; the sender is an active member that signed it.

    Raises EncodingError (another form, kind or recipient; does not open), EpochError or ManifestError.
    """
    parcel = Parcel.decode(data)
    if (parcel.kind, parcel.recipient) != (kind, own):
        raise EncodingError("the parcel is of another kind, or for another member")
    if parcel.epoch != epoch.epoch_id:
        raise EpochError("the parcel belongs to another epoch")
    member, message = (
        epoch.roster.find(parcel.sender),
        parcel.signed_bytes(get_suite(epoch.manifest.suite)),
    )
    if not member.active or not verify_signature(member.signing_key, message, parcel.signature):
        raise ManifestError("the parcel is not signed by the member that it names")
    body = key.open(parcel.sealed, parcel.seal_info())
    if body is None:
        raise EncodingError("the parcel does not open with this member's key")
    return parcel.sender, body
