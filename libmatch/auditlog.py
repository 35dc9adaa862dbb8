"""The matcher's audit log: leaves, tree, signed checkpoints, receipts (spec section 6, docs/spec/log.md).

An append-only RFC 6962 tree over SHA-256, whatever the epoch's suite: any auditor has tools for it. The
matcher appends and signs (``LogSigner``); units and 纪委 check receipts, inclusion and consistency, and
remember the last checkpoint that they saw (``follow_checkpoint``). A leaf holds digests, opaque ids, times
and names of units, never personal data.

Pure: storing nodes and remembering checkpoints is the caller's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libmatch import merkle
from libmatch.encoding import enc, exactly, u8, u32, u64
from libmatch.errors import KeyFileError, LogError
from libmatch.keyfile import protect, unprotect
from libmatch.manifest import Manifest
from libmatch.merkle import NodeReader, hash_leaf, hash_node
from libmatch.records import RID_SIZE, SIGNATURE_SIZE, WORD, Receipt, Side, check_unit
from libmatch.suites import verify_signature

KEY_FILE_PURPOSE = "log-key"
MAX_SIZE = (1 << 63) - 1
_MAX_NOTE = 64 * 1024  # signed-note: verifiers limit a note; 16 signatures of 5 kB must not fail
_MARK = "\u2014 "  # em dash and space: how a signature line begins
_ED25519 = b"\x01"  # signed-note's byte for this signature type


def log_hash(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def log_origin(district: str) -> str:
    """The log's name in its checkpoints: ``libmatch/<district>/log``."""
    return f"libmatch/{district}/log"


# --- leaves ---------------------------------------------------------------------------------------


def encode_batch_leaf(digest: bytes, side: Side, unit: str, seq: int, accepted_at_us: int) -> bytes:
    """``enc("log-batch", digest, u8 side, unit, u64 seq, u64 time)``: a batch was accepted."""
    return enc("log-batch", digest, u8(side), _name(unit), u64(seq), u64(accepted_at_us))


def encode_withdrawal_leaf(
    digest: bytes, side: Side, unit: str, seq: int, accepted_at_us: int
) -> bytes:
    """``enc("log-withdrawal", digest, u8 side, unit, u64 seq, u64 time)``."""
    return enc("log-withdrawal", digest, u8(side), _name(unit), u64(seq), u64(accepted_at_us))


def encode_hit_leaf(hit_id: bytes, found_at_us: int) -> bytes:
    """``enc("log-hit", hit id, u64 time)``: two live records have one token."""
    return enc("log-hit", hit_id, u64(found_at_us))


def encode_release_leaf(
    notice_id: bytes, hit_id: bytes, unit: str, side: Side, released_at_us: int
) -> bytes:
    """``enc("log-release", notice id, hit id, unit, u8 side, u64 time)``: 纪委 released a notice."""
    return enc("log-release", notice_id, hit_id, _name(unit), u8(side), u64(released_at_us))


def encode_ack_leaf(notice_id: bytes, acknowledged_at_us: int) -> bytes:
    """``enc("log-ack", notice id, u64 time)``: a unit acknowledged a notice."""
    return enc("log-ack", notice_id, u64(acknowledged_at_us))


def encode_assignment_leaf(hit_id: bytes, case_id: bytes, assigned_at_us: int) -> bytes:
    """``enc("log-assign", hit id, case id, u64 time)``: 纪委 said which case a hit belongs to."""
    return enc("log-assign", hit_id, case_id, u64(assigned_at_us))


def encode_report_leaf(
    case_id: bytes,
    unit: str,
    side: Side,
    seq: int,
    stage: int,
    accepted_at_us: int,
    digest: bytes,
) -> bytes:
    """``enc("log-report", case id, unit, u8 side, u64 seq, u8 stage, u64 time, digest)``: a unit's step."""
    what = (u8(side), u64(seq), u8(stage), u64(accepted_at_us))
    return enc("log-report", case_id, _name(unit), *what, digest)


def encode_letter_leaf(
    sender: str, recipient: str, seq: int, accepted_at_us: int, digest: bytes
) -> bytes:
    """``enc("log-letter", sender, recipient, u64 seq, u64 time, digest)``: a letter was taken to relay."""
    numbers = (u64(seq), u64(accepted_at_us))
    return enc("log-letter", _name(sender), _name(recipient), *numbers, digest)


def encode_gate_leaf(unit: str, checked_at_us: int, answers: Sequence[tuple[bytes, int]]) -> bytes:
    """``enc("log-gate", unit, u64 time, rid ‖ u8 status, …)``: what the gate answered, in order."""
    # A thousand answers a leaf: the parts that repeat are made once.
    head = enc("log-gate", _name(unit), u64(checked_at_us))
    length = u32(RID_SIZE + 1)
    return head + b"".join([length + rid + _BYTES[status] for rid, status in answers])


_BYTES = [u8(value) for value in range(256)]


def _name(unit: str) -> bytes:
    return unit.encode("ascii")


# --- tree -----------------------------------------------------------------------------------------


def hash_entry(entry: bytes) -> bytes:
    """The leaf hash ``SHA-256(0x00 ‖ entry)``."""
    return hash_leaf(log_hash, entry)


def append_leaves(
    read: NodeReader, size: int, leaf_hashes: Sequence[bytes]
) -> dict[tuple[int, int], bytes]:
    """The complete subtrees, by (level, index), that ``leaf_hashes`` add to a tree of ``size`` leaves.

    Level 0 are the leaf hashes themselves. Reads only nodes on the right edge of the old tree, those that
    ``merkle.read_root`` reads. Returns fewer than two nodes a leaf.
    """
    new: dict[tuple[int, int], bytes] = {}
    for index, current in enumerate(leaf_hashes, size):
        level = 0
        new[0, index] = exactly(current, WORD, "a leaf hash")
        while index & 1:
            left = new.get((level, index - 1)) or read(level, index - 1)
            current = hash_node(log_hash, left, current)
            level, index = level + 1, index >> 1
            new[level, index] = current
    return new


def read_root(read: NodeReader, size: int) -> bytes:
    """The root over the first ``size`` leaves from stored nodes; SHA-256 of nothing for none."""
    return merkle.read_root(log_hash, read, size)


def read_inclusion(read: NodeReader, leaf_index: int, size: int) -> list[bytes]:
    """The proof that leaf ``leaf_index`` is in the tree of ``size``. Raises LogError out of range."""
    return merkle.read_inclusion(log_hash, read, leaf_index, size)


def read_consistency(read: NodeReader, old: int, new: int) -> list[bytes]:
    """The proof that the tree of ``old`` leaves begins that of ``new``. Raises LogError."""
    return merkle.read_consistency(log_hash, read, old, new)


# --- signing --------------------------------------------------------------------------------------


class LogSigner:
    """The log's Ed25519 private key (RFC 8032): signs checkpoints and receipts and nothing else.

    Prints as its type and public key only. Its key file has the purpose ``log-key``, holds the 32-byte
    seed and shows the public key without the passphrase.
    """

    __slots__ = ("_key",)

    def __init__(self, seed: bytes) -> None:
        """Raises EncodingError where ``seed`` is not 32 bytes."""
        self._key = Ed25519PrivateKey.from_private_bytes(exactly(seed, 32, "a log key"))

    @classmethod
    def generate(cls) -> LogSigner:
        """A new key from the operating system's randomness."""
        return cls(os.urandom(32))

    @classmethod
    def unprotect(cls, data: bytes, passphrase: str) -> LogSigner:
        """The key in a key file. Raises KeyFileError."""
        seed = unprotect(data, passphrase, purpose=KEY_FILE_PURPOSE)
        if len(seed) != 32:
            raise KeyFileError("the key file does not hold a log key")
        return cls(seed)

    def protect(self, passphrase: str) -> bytes:
        """The key file's bytes. Raises KeyFileError for a passphrase that is too short."""
        seed = self._key.private_bytes_raw()
        return protect(seed, passphrase, purpose=KEY_FILE_PURPOSE, public=self.public_key)

    @property
    def public_key(self) -> bytes:
        """32 bytes: ``log_key`` of the manifest."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``, 64 bytes."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"<LogSigner {self.public_key.hex()[:8]}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a LogSigner is not pickled or copied into a message")


# --- checkpoints ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log: its origin, its size in leaves, its root of 32 bytes."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or any(c.isspace() or c == "+" or c < " " for c in self.origin):
            raise LogError("a log's origin is a name without spaces, control characters and +")
        if not 0 <= self.size <= MAX_SIZE:
            raise LogError("a log's size is below 2^63")
        if len(self.root) != WORD:
            raise LogError("a log's root has 32 bytes")

    @property
    def text(self) -> str:
        """The three lines that are signed (C2SP tlog-checkpoint): origin, size, root."""
        return f"{self.origin}\n{self.size}\n{_to_base64(self.root)}\n"


def hash_note_key(name: str, public_key: bytes) -> bytes:
    """The four-byte id of an Ed25519 key in signed notes: ``SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)[:4]``."""
    return log_hash(name.encode("utf-8") + b"\n" + _ED25519 + public_key)[:4]


def sign_checkpoint(checkpoint: Checkpoint, signer: LogSigner) -> str:
    """The checkpoint as a C2SP signed note; the key's name is the origin."""
    signature = signer.sign(checkpoint.text.encode("utf-8"))
    key_id = hash_note_key(checkpoint.origin, signer.public_key)
    line = f"{_MARK}{checkpoint.origin} {_to_base64(key_id + signature)}\n"
    return f"{checkpoint.text}\n{line}"


def open_checkpoint(note: str, origin: str, public_key: bytes) -> Checkpoint:
    """The checkpoint in a signed note of the log ``origin``, verified under its key (32 bytes).

    Signatures of unknown keys are ignored (witnesses may add theirs). Extension lines are refused: this log
    writes none. Raises LogError.
    """
    text, signatures = _split_note(note)
    checkpoint = _parse_text(text)
    if checkpoint.origin != origin:
        raise LogError("the checkpoint belongs to another log")
    key_id, message, good = hash_note_key(origin, public_key), text.encode("utf-8"), False
    for name, blob in signatures:
        if name == origin and blob[:4] == key_id:
            if not verify_signature(public_key, message, blob[4:]):
                raise LogError("the checkpoint's signature does not hold")
            good = True
    if not good:
        raise LogError("the checkpoint is not signed with the log's key")
    return checkpoint


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > _MAX_NOTE or any(c < " " and c != "\n" for c in note):
        raise LogError("not a signed note")
    text, separator, tail = note.rpartition("\n\n")
    if not separator or not text or not tail.endswith("\n"):
        raise LogError("not a signed note")
    return text + "\n", [_parse_signature(line) for line in tail[:-1].split("\n")]


def _parse_signature(line: str) -> tuple[str, bytes]:
    name, separator, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not separator or not name:
        raise LogError("a signed note has a malformed signature line")
    blob = _from_base64(encoded)
    if len(blob) <= 4:
        raise LogError("a signature line has a key id of four bytes and a signature")
    return name, blob


def _parse_text(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4:
        raise LogError("a checkpoint of this log has three lines")
    origin, size, root, _ = lines
    number = int(size) if size.isascii() and size.isdigit() and len(size) < 20 else -1
    if str(number) != size:
        raise LogError("a checkpoint's size is not a plain decimal number")
    return Checkpoint(origin, number, _from_base64(root))


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _from_base64(text: str) -> bytes:
    """The bytes of canonical base64 (RFC 4648 section 4). Raises LogError for any other spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise LogError("a signed note holds malformed base64") from None
    if _to_base64(data) != text:
        raise LogError("a signed note holds malformed base64")
    return data


# --- checks of units and 纪委 ----------------------------------------------------------------------


def verify_inclusion(
    checkpoint: Checkpoint, leaf_index: int, entry: bytes, path: Sequence[bytes]
) -> None:
    """Return if ``entry`` (``encode_…_leaf``) is leaf ``leaf_index`` of the log. Raises LogError."""
    leaf = hash_entry(entry)
    merkle.verify_position(log_hash, leaf, leaf_index, checkpoint.size, path, checkpoint.root)


def follow_checkpoint(
    remembered: Checkpoint | None, new: Checkpoint, proof: Sequence[bytes] = ()
) -> Checkpoint:
    """The checkpoint to remember from now on: ``new``, once it is proved to extend ``remembered``.

    ``proof`` is the consistency proof from the remembered size to the new one; none is needed for the first
    checkpoint or an equal size. Raises LogError, also where the log became shorter: stop and tell 纪委.
    """
    if remembered is None:
        return new
    if new.origin != remembered.origin:
        raise LogError("the checkpoint belongs to another log")
    merkle.verify_consistency(log_hash, remembered.size, remembered.root, new.size, new.root, proof)
    return new


# --- receipts -------------------------------------------------------------------------------------


def receipt_bytes(
    epoch: bytes,
    side: Side,
    unit: str,
    seq: int,
    digest: bytes,
    accepted_at_us: int,
    leaf_index: int,
) -> bytes:
    """``enc("receipt", E, u8 side, unit, u64 seq, digest, u64 time, u64 leaf)``: what the log key signs."""
    name, numbers = _name(check_unit(unit)), (u64(accepted_at_us), u64(leaf_index))
    return enc("receipt", epoch, u8(side), name, u64(seq), digest, *numbers)


def sign_receipt(
    signer: LogSigner,
    epoch: bytes,
    side: Side,
    unit: str,
    seq: int,
    digest: bytes,
    accepted_at_us: int,
    leaf_index: int,
) -> Receipt:
    """The signed receipt."""
    fields = (epoch, side, unit, seq, digest, accepted_at_us, leaf_index)
    return Receipt(*fields, signature=signer.sign(receipt_bytes(*fields)))


def verify_receipt(manifest: Manifest, receipt: Receipt, digest: bytes) -> None:
    """Return if the log key signed ``receipt`` for the content ``digest`` in this epoch.

    Raises LogError otherwise: keep the outbox as it is, and tell 纪委.
    """
    r = receipt
    message = receipt_bytes(
        r.epoch, r.side, r.unit, r.seq, r.digest, r.accepted_at_us, r.leaf_index
    )
    if r.epoch != manifest.epoch_id or r.digest != digest:
        raise LogError("the receipt is for other content")
    if len(r.signature) != SIGNATURE_SIZE or not verify_signature(
        manifest.log_key, message, r.signature
    ):
        raise LogError("the receipt is not signed with the log's key")
