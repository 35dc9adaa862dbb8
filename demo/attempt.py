"""What 纪委 can open with its private key and the matcher's whole database: flagged pairs, nothing else.

This is the measurement behind ``unflagged_opened``. It opens every capsule, so that it has each batch's
secret and each record's ``r_i`` and own half, which is all that 纪委's key gives (docs/spec, section 5).
What an unflagged record needs besides is the half of the opposite side. Tried are

- every half that any record gave, of both sides, found by what it commits to (so one look-up is a trial
  of all of them), and every half that numbers give under keys that 纪委 can make from public values:
  it knows the numbers of everybody in the district;
- the record's own half, the halves of its neighbours in the batch, and everything of 32 bytes that lies
  about: zeros, the masked half, the pad, ``r_i``, the batch secret, commitments, token, epoch.

The same code is run on the flagged records and must open each of them: that is the control. It uses the
formulas of the specification and not ``libmatch.unseal``, which refuses what is not flagged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from demo.stolen import StolenBatch, StolenDatabase, StolenRecord
from libmatch.batch import commit_half, compute_token, hash_header, hash_record
from libmatch.encoding import enc, u32
from libmatch.errors import EncodingError
from libmatch.identifiers import Identifier
from libmatch.keys import EpochKey, HpkePrivateKey
from libmatch.manifest import Manifest
from libmatch.payloads import read_person
from libmatch.records import Side
from libmatch.seal import xor
from libmatch.suites import Suite, decrypt_once, get_suite
from libmatch.tokens import derive_column


@dataclass(frozen=True)
class Attempt:
    """How it went: records, and trials of a half on an unflagged record.

    ``flagged``: records whose token stands on both sides; ``marked``: those that the matcher paired.
    """

    records: int
    flagged: int
    marked: int
    flagged_opened: int
    unflagged_opened: int
    capsules_opened: int
    capsules: int
    trials: int
    guesses: int


@dataclass(frozen=True, repr=False)
class _Exposed:
    """A record with what 纪委's key gives of it: ``r``, own half, pad; ``hh`` binds its keys."""

    batch: StolenBatch
    record: StolenRecord
    secret: bytes
    r: bytes
    half: bytes
    pad: bytes
    hh: bytes

    @property
    def side(self) -> Side:
        return self.batch.header.side

    @property
    def wanted(self) -> bytes:
        """The commitment to the half that opens it."""
        row = self.record.row
        return row.c_ben if self.side is Side.REGISTRY else row.c_reg


def attempt(
    database: StolenDatabase,
    key: HpkePrivateKey,
    manifest: Manifest,
    numbers: Sequence[Identifier],
) -> Attempt:
    """The count of what opened. ``numbers``: those that 纪委 tries under keys of its own making."""
    suite = get_suite(manifest.suite)
    exposed = [one for batch in database.batches for one in _expose(suite, key, batch)]
    halves = {commit_half(suite, one.half): one.half for one in exposed}
    guessed = guess_halves(suite, public_keys(suite, manifest), numbers)
    marked = {number for pair in database.pairs for number in pair}
    both_sides = _tokens_of(suite, exposed, Side.REGISTRY) & _tokens_of(
        suite, exposed, Side.BENEFICIARY
    )
    flagged_opened = unflagged_opened = flagged = trials = 0
    for one, neighbours in zip(exposed, _neighbours(exposed), strict=True):
        candidates = [*_look_up(one, halves, guessed), *_lying_about(suite, one, neighbours)]
        opened = any(_opens(suite, one, half) for half in candidates)
        if _token(suite, one) in both_sides or one.record.number in marked:
            flagged += 1
            flagged_opened += opened
        else:
            trials += len(candidates)
            unflagged_opened += opened
    return Attempt(
        records=database.records,
        flagged=flagged,
        marked=len(marked),
        flagged_opened=flagged_opened,
        unflagged_opened=unflagged_opened,
        capsules_opened=len({one.batch.header for one in exposed}),
        capsules=sum(batch.capsule is not None for batch in database.batches),
        trials=trials,
        guesses=len(guessed),
    )


def _expose(suite: Suite, key: HpkePrivateKey, batch: StolenBatch) -> Iterator[_Exposed]:
    """Every record of a batch whose capsule opens."""
    if batch.capsule is None:
        return
    secret = key.open(batch.capsule, batch.header.encode())
    if secret is None:
        return
    under, bh = suite.prf_under(secret), hash_header(suite, batch.header)
    for record in batch.records:
        row, at = record.row, u32(record.position)
        pad = under(enc("pad", at))
        hh = hash_record(suite, bh, row.rid, row.c_reg, row.c_ben)
        yield _Exposed(batch, record, secret, under(enc("r", at)), xor(row.half, pad), pad, hh)


def _token(suite: Suite, one: _Exposed) -> bytes:
    return compute_token(suite, one.record.row.c_reg, one.record.row.c_ben)


def _tokens_of(suite: Suite, exposed: Iterable[_Exposed], side: Side) -> set[bytes]:
    return {_token(suite, one) for one in exposed if one.side is side}


def public_keys(suite: Suite, manifest: Manifest) -> list[EpochKey]:
    """Epoch keys as one would make them without the custodians' shares, from what the manifest says."""
    epoch, zero = manifest.epoch_id, bytes(32)
    roots = [
        zero,
        manifest.salt,
        epoch,
        suite.prf(zero, enc("K", *manifest.commitments)),
        suite.prf(zero, enc("K", *(zero for _ in manifest.commitments))),
    ]
    return [EpochKey(suite.prf(root, enc("epoch", epoch))) for root in roots]


def guess_halves(
    suite: Suite, keys: Iterable[EpochKey], numbers: Sequence[Identifier]
) -> dict[bytes, bytes]:
    """The halves of all numbers under all keys, by what each commits to."""
    kinds, idns = [int(n.kind) for n in numbers], [n.idn for n in numbers]
    found: dict[bytes, bytes] = {}
    for key in keys:
        for halves in derive_column(suite, key, kinds, idns):
            found[halves.c_reg], found[halves.c_ben] = halves.g_reg, halves.g_ben
    return found


def _look_up(one: _Exposed, *known: dict[bytes, bytes]) -> Iterator[bytes]:
    for halves in known:
        if one.wanted in halves:
            yield halves[one.wanted]


def _neighbours(exposed: Sequence[_Exposed]) -> Iterator[list[_Exposed]]:
    """For each record, those next to it in its batch."""
    for at, one in enumerate(exposed):
        around = [exposed[i] for i in (at - 1, at + 1) if 0 <= i < len(exposed)]
        yield [other for other in around if other.batch is one.batch]


def _lying_about(suite: Suite, one: _Exposed, neighbours: Iterable[_Exposed]) -> Iterator[bytes]:
    row = one.record.row
    yield from (one.half, bytes(32), row.half, one.pad, one.r, one.secret)
    yield from (row.c_reg, row.c_ben, row.com, one.record.token, one.batch.header.epoch)
    yield from (suite.prf(one.secret, enc("half", u32(one.record.position))), one.hh)
    for other in neighbours:
        yield from (other.half, xor(row.half, other.pad))


def _opens(suite: Suite, one: _Exposed, half: bytes) -> bool:
    """Whether the record decrypts to a payload with this half of the opposite side."""
    prk = suite.prf(one.r, half)
    plaintext = decrypt_once(suite.prf(prk, enc("key", one.hh)), one.record.row.ct)
    if plaintext is None:
        return False
    length = int.from_bytes(plaintext[:2], "big")
    try:
        read_person(plaintext[2 : 2 + length])
    except EncodingError:
        return False
    return True
