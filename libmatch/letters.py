"""Letters from reporting unit to reporting unit, sealed and signed: the keyless half (docs/spec/letters.md).

With letters units find undeclared relatives among officials (``libmatch.consistency``). The matcher relays
them and opens none. A letter has one of few sizes, and one goes to every member each time, so that neither
how many there are nor how long they are tells anything of persons. The newest letter replaces earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from libmatch.encoding import dec, enc, exactly, u64, uint
from libmatch.errors import BatchError, EncodingError, EpochError, ManifestError
from libmatch.manifest import Epoch, Member, Role
from libmatch.records import SIGNATURE_SIZE, WORD, check_unit
from libmatch.suites import AEAD_TAG_SIZE, HPKE_OVERHEAD, Suite, get_suite, verify_signature

BUCKET = 32  # entries: what a letter holds is rounded up to whole buckets, at least one
MAX_BUCKETS = 32
SALT_SIZE = 32
DETAILS_SIZE = 384  # of an entry's sealed part: all texts at their caps have 374
ENTRY_SIZE = WORD + DETAILS_SIZE + AEAD_TAG_SIZE
_NUMBERS = 1 << 63


def encode_body(salt: bytes, entries: bytes) -> bytes:
    """``enc("letter-body", salt, entries)``: what a letter seals. Raises EncodingError."""
    exactly(salt, SALT_SIZE, "a letter's salt")
    if not entries or len(entries) % (BUCKET * ENTRY_SIZE):
        raise EncodingError(f"a letter has whole buckets of {BUCKET} entries")
    return enc("letter-body", salt, entries)


def decode_body(body: bytes) -> tuple[bytes, list[bytes]]:
    """(salt, entries of ``ENTRY_SIZE``) of an opened letter. Raises EncodingError."""
    salt, entries = dec("letter-body", body, 2)
    encode_body(salt, entries)
    return salt, [entries[i : i + ENTRY_SIZE] for i in range(0, len(entries), ENTRY_SIZE)]


def sealed_size(buckets: int) -> int:
    """The length of the HPKE ciphertext of a letter of so many buckets."""
    entries = bytes(buckets * BUCKET * ENTRY_SIZE)
    return HPKE_OVERHEAD + len(encode_body(bytes(SALT_SIZE), entries))


SEALED_SIZES = {sealed_size(buckets): buckets for buckets in range(1, MAX_BUCKETS + 1)}


@dataclass(frozen=True, repr=False)
class Letter:
    """A letter of ``sender`` to ``recipient``, two different members.

    ``seq`` ascends for the two in an epoch, with gaps; ``sealed`` is an HPKE ciphertext of one of
    ``SEALED_SIZES``.
    """

    epoch: bytes
    sender: str
    recipient: str
    seq: int
    sealed: bytes
    signature: bytes

    def __post_init__(self) -> None:
        exactly(self.epoch, WORD, "an epoch id")
        exactly(self.signature, SIGNATURE_SIZE, "a signature")
        if check_unit(self.sender) == check_unit(self.recipient):
            raise EncodingError("a letter goes to another unit")
        if not 1 <= self.seq < _NUMBERS:
            raise EncodingError("a letter's number is from 1 and below 2^63")
        if len(self.sealed) not in SEALED_SIZES:
            raise EncodingError(f"a letter has 1 to {MAX_BUCKETS} whole buckets")

    def signed_bytes(self, suite: Suite) -> bytes:
        """``enc("letter", E, sender, recipient, u64 seq, H(sealed))``."""
        who = (self.sender.encode("ascii"), self.recipient.encode("ascii"))
        return enc("letter", self.epoch, *who, u64(self.seq), suite.h(self.sealed))

    def digest(self, suite: Suite) -> bytes:
        """``H(signed bytes)``, 32 bytes: what the log and a repetition are compared by."""
        return suite.h(self.signed_bytes(suite))

    def seal_info(self) -> bytes:
        """HPKE's info of ``sealed``; see ``seal_info``."""
        return seal_info(self.epoch, self.sender, self.recipient, self.seq)

    def encode(self) -> bytes:
        """``enc("sealed-letter", E, sender, recipient, u64 seq, sealed, signature)``: for outboxes."""
        who = (self.sender.encode("ascii"), self.recipient.encode("ascii"))
        return enc("sealed-letter", self.epoch, *who, u64(self.seq), self.sealed, self.signature)

    @classmethod
    def decode(cls, data: bytes) -> Letter:
        """The letter in stored bytes. Raises EncodingError or BatchError."""
        epoch, sender, recipient, seq, sealed, signature = dec("sealed-letter", data, 6)
        try:
            who = (sender.decode("ascii"), recipient.decode("ascii"))
        except UnicodeDecodeError:
            raise EncodingError("not a letter") from None
        return cls(epoch, *who, uint(seq, 8), sealed, signature)


def seal_info(epoch: bytes, sender: str, recipient: str, seq: int) -> bytes:
    """``enc("letter-to", E, sender, recipient, u64 seq)``."""
    return enc("letter-to", epoch, sender.encode("ascii"), recipient.encode("ascii"), u64(seq))


def ack_bytes(epoch: bytes, recipient: str, number: int) -> bytes:
    """``enc("letter-ack", E, recipient, u64 number)``: what the recipient signs once it has taken in
    all letters up to the matcher's ``number``."""
    return enc("letter-ack", epoch, recipient.encode("ascii"), u64(number))


def verify_letter(epoch: Epoch, letter: Letter) -> Member:
    """The member of the roster, revoked or not, that signed ``letter``.

    Raises EpochError, ManifestError (no reporting unit of the roster, or signature).
    """
    if letter.epoch != epoch.epoch_id:
        raise EpochError("the letter belongs to another epoch")
    suite, member = get_suite(epoch.manifest.suite), epoch.roster.find(letter.sender)
    if not member.roles & Role.REGISTRY or not verify_signature(
        member.signing_key, letter.signed_bytes(suite), letter.signature
    ):
        raise ManifestError("the letter is not signed by that reporting unit of the roster")
    return member


def verify_ack(epoch: Epoch, recipient: str, number: int, signature: bytes) -> None:
    """Return if ``recipient`` signed that it has its letters up to ``number``. Raises ManifestError, or
    BatchError for a signature that does not hold."""
    key = epoch.roster.find(recipient).signing_key
    if not verify_signature(key, ack_bytes(epoch.epoch_id, recipient, number), signature):
        raise BatchError("the acknowledgement is not signed by that unit")
