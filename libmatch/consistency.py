"""Which relatives of one unit's officials are officials of another, told to that unit alone.

If official A declares official B as a sibling, spouse, parent or child, then B's declaration has A. A's unit
makes an entry for B's unit (docs/spec/letters.md): a tag by which only who knows B's identifier finds it, and
A's details under a key that only who knows it derives. Both need the epoch key, which the matcher and 纪委
have not. All keys are of one letter, so that nothing of two letters can be compared.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from libmatch.encoding import dec, enc, exactly, u8, u32, u64
from libmatch.errors import BatchError, EncodingError
from libmatch.identifiers import Identifier
from libmatch.keys import EpochKey, Secret
from libmatch.letters import (
    BUCKET,
    DETAILS_SIZE,
    ENTRY_SIZE,
    MAX_BUCKETS,
    SALT_SIZE,
    decode_body,
    encode_body,
)
from libmatch.payloads import NAME_CAP, POST_CAP, RELATION_CAP, UNIT_CAP, clip_text
from libmatch.records import WORD
from libmatch.suites import Suite, decrypt_once, encrypt_once


class ConsistencyKey(Secret):
    """``K_c = PRF(K_e, enc("consistency"))``: what this purpose alone is served by, in one epoch."""

    __slots__ = ()


@dataclass(frozen=True)
class Route:
    """From which unit to which, and the letter's number: what its keys are bound to."""

    sender: str
    recipient: str
    seq: int


@dataclass(frozen=True, repr=False)
class Details:
    """What B's unit learns of A: that A (name, unit, post) declares B as ``relation``.

    ``pair`` (32 bytes) names A and B without their identifiers, the same all through the epoch.
    """

    pair: bytes
    name: str
    unit: str
    post: str
    relation: str

    def encode(self) -> bytes:
        """``enc("consistency-details", pair, name, unit, post, relation, zeros)``, 384 bytes.

        Texts are clipped to 90, 75, 75 and 48 bytes of UTF-8.
        """
        texts = [
            clip_text(text, cap)
            for text, cap in (
                (self.name, NAME_CAP),
                (self.unit, UNIT_CAP),
                (self.post, POST_CAP),
                (self.relation, RELATION_CAP),
            )
        ]
        bare = enc("consistency-details", self.pair, *texts, b"")
        return enc("consistency-details", self.pair, *texts, bytes(DETAILS_SIZE - len(bare)))

    @classmethod
    def decode(cls, data: bytes) -> Details:
        """The details in ``encode``'s bytes. Raises EncodingError."""
        pair, *texts, filler = dec("consistency-details", data, 6)
        try:
            name, unit, post, relation = (text.decode("utf-8") for text in texts)
        except UnicodeDecodeError:
            raise EncodingError("not UTF-8") from None
        details = cls(exactly(pair, WORD, "a pair"), name, unit, post, relation)
        if filler.strip(b"\0") or not (name + unit + post + relation).isprintable():
            raise EncodingError("not the details of an official")
        return details


@dataclass(frozen=True, repr=False)
class Claim:
    """An entry in clear: ``official`` is B, as A declares him."""

    official: Identifier
    details: Details


def derive_consistency_key(suite: Suite, key: EpochKey) -> ConsistencyKey:
    """``K_c`` of the epoch."""
    return ConsistencyKey(suite.prf(key.reveal(), enc("consistency")))


def derive_pair(suite: Suite, key: ConsistencyKey, one: Identifier, other: Identifier) -> bytes:
    """``PRF(K_c, enc("consistency-pair", p, q))``, p < q: the same whoever of the two declares."""
    persons = sorted(u8(who.kind) + who.idn.encode("ascii") for who in (one, other))
    return suite.prf(key.reveal(), enc("consistency-pair", *persons))


class LetterKeys:
    """What is derived under ``K_l = PRF(K_c, enc("consistency-letter", sender, recipient, seq, salt))``."""

    def __init__(self, suite: Suite, key: ConsistencyKey, route: Route, salt: bytes) -> None:
        who = (route.sender.encode("ascii"), route.recipient.encode("ascii"), u64(route.seq))
        head = enc("consistency-letter", *who, exactly(salt, SALT_SIZE, "a letter's salt"))
        self._prf = suite.prf_under(suite.prf(key.reveal(), head))

    def tag(self, official: Identifier) -> bytes:
        """``PRF(K_l, enc("consistency-official", u8 kind, idn))``, 32 bytes."""
        return self._prf(enc("consistency-official", *_person(official)))

    def open_key(self, position: int, official: Identifier) -> bytes:
        """``PRF(K_l, enc("consistency-open", u32 i, u8 kind, idn))``: of one entry, for one message."""
        return self._prf(enc("consistency-open", u32(position), *_person(official)))


def pack_claims(
    suite: Suite,
    key: ConsistencyKey,
    route: Route,
    claims: Sequence[Claim],
    random: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """The body of a letter with ``claims`` in any order, filled up with random entries.

    Raises BatchError for more than 1024 of them.
    """
    buckets = max(1, -(-len(claims) // BUCKET))
    if buckets > MAX_BUCKETS:
        raise BatchError(f"a letter has at most {MAX_BUCKETS * BUCKET} entries")
    slots: list[Claim | None] = [*claims, *[None] * (buckets * BUCKET - len(claims))]
    secrets.SystemRandom().shuffle(slots)
    return fill_slots(suite, key, route, slots, random)


def fill_slots(
    suite: Suite,
    key: ConsistencyKey,
    route: Route,
    slots: Sequence[Claim | None],
    random: Callable[[int], bytes],
) -> bytes:
    """The same with every entry's position given, None for a filler; public for the vectors."""
    salt = random(SALT_SIZE)
    keys = LetterKeys(suite, key, route, salt)
    entries = [
        random(ENTRY_SIZE)
        if claim is None
        else keys.tag(claim.official)
        + encrypt_once(keys.open_key(position, claim.official), claim.details.encode())
        for position, claim in enumerate(slots)
    ]
    return encode_body(salt, b"".join(entries))


def find_claims(
    suite: Suite, key: ConsistencyKey, route: Route, body: bytes, own: Iterable[Identifier]
) -> Iterator[Claim]:
    """The claims about officials among ``own``; of the other entries nothing can be told.

    Raises EncodingError where the body, or what is told of an own official, is malformed.
    """
    salt, entries = decode_body(body)
    keys = LetterKeys(suite, key, route, salt)
    by_tag = {keys.tag(official): official for official in own}
    for position, entry in enumerate(entries):
        official = by_tag.get(entry[:WORD])
        if official is not None:
            opened = decrypt_once(keys.open_key(position, official), entry[WORD:])
            if opened is None:
                raise EncodingError("an entry about an own official does not open")
            yield Claim(official, Details.decode(opened))


def _person(who: Identifier) -> tuple[bytes, bytes]:
    return u8(who.kind), who.idn.encode("ascii")
