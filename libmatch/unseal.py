"""The private-key half: a flagged pair to two payloads, or the name of the culprit (spec section 5).

Imported by 纪委's inspector service and the command line alone. Two steps that may run on different
machines: the key holder turns one flagged record into its ``RecordSecret`` and forgets the batch secret;
``open_pair`` needs the secrets of both records, because each record's half is the other's key.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from libmatch.batch import (
    commit_half,
    compute_token,
    hash_header,
    hash_record,
    root_of_flagged,
    signed_bytes,
)
from libmatch.encoding import enc, u32, uint
from libmatch.errors import EncodingError, LogError, ManifestError, UnsealError
from libmatch.keys import HpkePrivateKey
from libmatch.manifest import Epoch
from libmatch.payloads import ItemPayload, RelativePayload, decode_item, decode_relative
from libmatch.records import BatchHeader, FlaggedPair, FlaggedRecord, Side
from libmatch.seal import xor
from libmatch.suites import Suite, decrypt_once, get_suite, verify_signature

MATCHER = "matcher"


@dataclass(frozen=True, repr=False)
class RecordSecret:
    """What opens one flagged record, 32 bytes each; it opens no other record of its batch."""

    r: bytes
    half: bytes


@dataclass(frozen=True, repr=False)
class OpenedPair:
    """The two payloads of a flagged pair, about one and the same person."""

    relative: RelativePayload
    item: ItemPayload


def capsule_opens(key: HpkePrivateKey, header: BatchHeader, capsule: bytes) -> bool:
    """Whether a new batch's capsule opens; the secret is forgotten at once.

    Tested when a batch arrives, so that a bad capsule is found before a hit needs it.
    """
    secret = key.open(capsule, header.encode())
    return secret is not None and len(secret) == 32


def check_flagged(epoch: Epoch, record: FlaggedRecord, side: Side) -> None:
    """Return if a row really stands in a batch that its unit signed.

    Raises UnsealError naming the matcher otherwise: it admitted the batch and handed out the row.
    """
    suite, header = get_suite(epoch.manifest.suite), record.header
    try:
        member = epoch.roster.find(header.unit)
        message = signed_bytes(suite, header, record.capsule, root_of_flagged(suite, record))
    except (LogError, ManifestError):
        raise UnsealError(MATCHER) from None
    if (
        header.epoch != epoch.epoch_id
        or header.side is not side
        or not member.may_submit(side)
        or not verify_signature(member.signing_key, message, record.signature)
    ):
        raise UnsealError(MATCHER)


def check_pair(epoch: Epoch, pair: FlaggedPair) -> None:
    """Return if both rows were signed, are of opposite sides and have one token.

    Raises UnsealError naming the matcher otherwise. Comes before any capsule is opened: what the matcher
    wrongly paired must not be blamed on a unit.
    """
    suite = get_suite(epoch.manifest.suite)
    check_flagged(epoch, pair.registry, Side.REGISTRY)
    check_flagged(epoch, pair.beneficiary, Side.BENEFICIARY)
    if _token(suite, pair.registry) != _token(suite, pair.beneficiary):
        raise UnsealError(MATCHER)


def release_secret(key: HpkePrivateKey, epoch: Epoch, record: FlaggedRecord) -> RecordSecret:
    """The key holder's answer for one flagged record; the batch secret is forgotten.

    Raises UnsealError: the matcher for a row that was never signed, the unit for a bad capsule or half.
    """
    check_flagged(epoch, record, record.header.side)
    suite, unit = get_suite(epoch.manifest.suite), record.header.unit
    secret = key.open(record.capsule, record.header.encode())
    if secret is None or len(secret) != 32:
        raise UnsealError(unit)
    half = xor(record.row.half, suite.prf(secret, enc("pad", u32(record.position))))
    if not hmac.compare_digest(commit_half(suite, half), _own_commitment(record)):
        raise UnsealError(unit)
    return RecordSecret(suite.prf(secret, enc("r", u32(record.position))), half)


def open_pair(
    epoch: Epoch, pair: FlaggedPair, registry: RecordSecret, beneficiary: RecordSecret
) -> OpenedPair:
    """The two payloads. Raises UnsealError naming who is answerable, or both units in a dispute."""
    suite = get_suite(epoch.manifest.suite)
    check_pair(epoch, pair)
    for record, secret in ((pair.registry, registry), (pair.beneficiary, beneficiary)):
        if not hmac.compare_digest(commit_half(suite, secret.half), _own_commitment(record)):
            raise UnsealError(record.header.unit)
    relative_bytes = _open_record(suite, pair.registry, registry, beneficiary.half)
    item_bytes = _open_record(suite, pair.beneficiary, beneficiary, registry.half)
    try:
        relative = decode_relative(relative_bytes)
    except EncodingError:
        raise UnsealError(pair.registry.header.unit) from None
    try:
        item = decode_item(item_bytes)
    except EncodingError:
        raise UnsealError(pair.beneficiary.header.unit) from None
    if relative.person != item.person:
        units = f"{pair.registry.header.unit} | {pair.beneficiary.header.unit}"
        raise UnsealError(units, disputed=True)
    return OpenedPair(relative, item)


def unseal_pair(key: HpkePrivateKey, epoch: Epoch, pair: FlaggedPair) -> OpenedPair:
    """Both steps at one place, for a workstation that holds the key itself."""
    check_pair(epoch, pair)
    registry = release_secret(key, epoch, pair.registry)
    beneficiary = release_secret(key, epoch, pair.beneficiary)
    return open_pair(epoch, pair, registry, beneficiary)


def _own_commitment(record: FlaggedRecord) -> bytes:
    row = record.row
    return row.c_reg if record.header.side is Side.REGISTRY else row.c_ben


def _token(suite: Suite, record: FlaggedRecord) -> bytes:
    return compute_token(suite, record.row.c_reg, record.row.c_ben)


def _open_record(
    suite: Suite, record: FlaggedRecord, secret: RecordSecret, other_half: bytes
) -> bytes:
    row, unit = record.row, record.header.unit
    hh = hash_record(suite, hash_header(suite, record.header), row.rid, row.c_reg, row.c_ben)
    prk = suite.prf(secret.r, other_half)
    if not hmac.compare_digest(suite.prf(prk, enc("com", hh)), row.com):
        raise UnsealError(unit)
    plaintext = decrypt_once(suite.prf(prk, enc("key", hh)), row.ct)
    if plaintext is None:
        raise UnsealError(unit)
    length = uint(plaintext[:2], 2)
    payload, padding = plaintext[2 : 2 + length], plaintext[2 + length :]
    if len(payload) != length or padding.strip(b"\0"):
        raise UnsealError(unit)
    return payload
