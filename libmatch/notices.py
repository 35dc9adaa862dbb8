"""Notices of hits: what 纪委 releases to the two units of a pair, sealed to each (spec section 6).

The approving unit learns official, post and relation; the official's unit learns the item's facts. Nobody
gets an identifier that it did not already hold: a notice names the unit's own record by ``rid`` and repeats
the pair's token, so that the unit checks it against its own record; another token is a dispute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from libmatch.encoding import dec, enc, exactly, iso_date, u8, u64, uint
from libmatch.errors import EncodingError
from libmatch.keys import HpkePrivateKey, SigningKey, seal_to
from libmatch.manifest import Epoch, Member
from libmatch.records import RID_SIZE, SIGNATURE_SIZE, WORD, Side
from libmatch.release import NOTICE_ID_SIZE, SealedNotice, hit_id, verify_notice
from libmatch.reports import CASE_ID_SIZE
from libmatch.suites import get_suite

__all__ = [
    "NOTICE_ID_SIZE",
    "HitNotice",
    "ItemNotice",
    "OfficialNotice",
    "SealedNotice",
    "hit_id",
    "open_notice",
    "seal_notice",
    "verify_notice",
]


@dataclass(frozen=True, repr=False)
class ItemNotice:
    """To the approving unit: whose relative the person of its record ``rid`` is.

    ``case_id`` (16 bytes) is one for all notices about one official, person and item; ``declaring_unit`` is
    the unit's name in the roster.
    """

    rid: bytes
    token: bytes
    case_id: bytes
    declaring_unit: str
    official_name: str
    official_unit: str
    official_post: str
    relation: str

    def encode(self) -> bytes:
        """``enc("item-notice", rid, token, case id, texts…)``."""
        unit, name = self.declaring_unit, self.official_name
        texts = (unit, name, self.official_unit, self.official_post, self.relation)
        head = (self.rid, self.token, self.case_id)
        return enc("item-notice", *head, *(text.encode() for text in texts))


@dataclass(frozen=True, repr=False)
class OfficialNotice:
    """To the official's unit: what the relative of its record ``rid`` receives. Amount in 0.01 CNY."""

    rid: bytes
    token: bytes
    case_id: bytes
    approving_unit: str
    capacity: str
    item_ref: str
    item_name: str
    programme: str
    amount_fen: int | None
    place: str
    start: date | None

    def encode(self) -> bytes:
        """``enc("official-notice", rid, token, case id, texts…, amount, place, start)``."""
        texts = (self.approving_unit, self.capacity, self.item_ref, self.item_name, self.programme)
        return enc(
            "official-notice",
            self.rid,
            self.token,
            self.case_id,
            *(text.encode() for text in texts),
            b"" if self.amount_fen is None else u64(self.amount_fen),
            self.place.encode(),
            b"" if self.start is None else self.start.isoformat().encode(),
        )


HitNotice = ItemNotice | OfficialNotice


def seal_notice(
    epoch: Epoch,
    member: Member,
    side: Side,
    hit: bytes,
    notice_id: bytes,
    notice: HitNotice,
    signing_key: SigningKey,
) -> SealedNotice:
    """The notice sealed to ``member`` and signed by 纪委."""
    suite, eid = get_suite(epoch.manifest.suite), epoch.epoch_id
    info = _info(eid, notice_id, member.unit, side, hit)
    sealed = seal_to(member.hpke_key, notice.encode(), info)
    draft = SealedNotice(eid, notice_id, member.unit, side, hit, sealed, bytes(SIGNATURE_SIZE))
    signature = signing_key.sign(draft.signed_bytes(suite))
    return SealedNotice(eid, notice_id, member.unit, side, hit, sealed, signature)


def open_notice(epoch: Epoch, notice: SealedNotice, key: HpkePrivateKey) -> HitNotice:
    """The verified notice in clear. Raises ManifestError (signature) or EncodingError (does not open)."""
    verify_notice(epoch, notice)
    info = _info(notice.epoch, notice.notice_id, notice.unit, notice.side, notice.hit_id)
    plaintext = key.open(notice.sealed, info)
    if plaintext is None:
        raise EncodingError("the notice does not open with this unit's key")
    return _decode(plaintext, notice.side)


def _info(epoch: bytes, notice_id: bytes, unit: str, side: Side, hit: bytes) -> bytes:
    return enc("notice-to", epoch, notice_id, unit.encode(), u8(side), hit)


def _decode(data: bytes, side: Side) -> HitNotice:
    try:
        if side is Side.BENEFICIARY:
            rid, token, case_id, *texts = dec("item-notice", data, 8)
            _check(rid, token, case_id)
            return ItemNotice(rid, token, case_id, *(text.decode() for text in texts))
        rid, token, case_id, *rest = dec("official-notice", data, 11)
        _check(rid, token, case_id)
        unit, capacity, ref, name, programme = (text.decode() for text in rest[:5])
        amount, place, start = rest[5:]
        fen = uint(amount, 8) if amount else None
        begins = iso_date(start)
        return OfficialNotice(
            rid, token, case_id, unit, capacity, ref, name, programme, fen, place.decode(), begins
        )
    except ValueError:
        raise EncodingError("not a notice") from None


def _check(rid: bytes, token: bytes, case_id: bytes) -> None:
    exactly(rid, RID_SIZE, "a record id")
    exactly(token, WORD, "a token")
    exactly(case_id, CASE_ID_SIZE, "a case id")
