"""Public cards: what a party hands to the authority, as JSON that a person can read.

Every card is signed by a key that it names, so that a slip on the way is seen; and it has a fingerprint,
which the two people compare by telephone or face to face: that alone says whose card it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from libmatch.encoding import enc, u8, u16, u64
from libmatch.errors import EncodingError, LibmatchError
from libmatch.keys import SigningKey
from libmatch.kit import PartyKeys, read_file
from libmatch.manifest import Member, Role
from libmatch.suites import verify_signature
from services.authority.errors import CeremonyError

ROLE_NAMES = {
    "registry": Role.REGISTRY,
    "beneficiary": Role.BENEFICIARY,
    "inspector": Role.INSPECTOR,
}
_MAX_CARD_BYTES = 1 << 16
_MAX_NAME = 60
CardT = TypeVar("CardT")


def fingerprint(public: bytes) -> str:
    """32 hex digits in groups of four: enough (128 bits) that nobody finds a second card with it."""
    digits = hashlib.sha256(public).hexdigest()[:32]
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def parse_roles(names: list[str]) -> Role:
    """The roles of that name: registry, beneficiary, inspector. Raises CeremonyError."""
    if not names or not set(names) <= ROLE_NAMES.keys():
        raise CeremonyError(
            f"roles are {', '.join(ROLE_NAMES)}",
            "角色只能是 registry（申报）、beneficiary（受益）或 inspector（纪委）",
        )
    roles = Role(0)
    for name in names:
        roles |= ROLE_NAMES[name]
    return roles


def name_roles(roles: Role) -> list[str]:
    """The names of ``roles``, in a fixed order."""
    return [name for name, role in ROLE_NAMES.items() if roles & role]


def check_name(name: str) -> str:
    """``name`` itself. Raises CeremonyError unless it shows as what it is: a custodian reads and signs it."""
    if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise CeremonyError(
            "a name has 1 to 60 printable characters",
            "名称须为 1 至 60 个可显示的字符，不能含换行等控制字符",
        )
    return name


@dataclass(frozen=True)
class PartyCard:
    """The public half of a unit's or of 纪委's keys, with what the roster will say of it."""

    member: Member
    signature: bytes

    @classmethod
    def make(cls, unit: str, display_name: str, roles: Role, keys: PartyKeys) -> PartyCard:
        """The card of ``keys``, signed with them. Raises EncodingError, CeremonyError for bad names."""
        name = check_name(display_name)
        member = Member(unit, name, roles, keys.signing.public_key, keys.hpke.public_key)
        return cls(member, keys.signing.sign(_party_bytes(member)))

    @property
    def fingerprint(self) -> str:
        return fingerprint(_party_bytes(self.member))

    def encode(self) -> bytes:
        """The card as JSON."""
        member = self.member
        return _to_json(
            "party",
            unit=member.unit,
            display_name=member.display_name,
            roles=name_roles(member.roles),
            signing_key=_b64(member.signing_key),
            hpke_key=_b64(member.hpke_key),
            fingerprint=self.fingerprint,
            signature=_b64(self.signature),
        )

    @classmethod
    def _read(cls, fields: Mapping[str, Any]) -> PartyCard:
        member = Member(
            _text(fields, "unit"),
            check_name(_text(fields, "display_name")),
            parse_roles(list(fields["roles"])),
            _bytes(fields, "signing_key"),
            _bytes(fields, "hpke_key"),
        )
        card = cls(member, _bytes(fields, "signature"))
        _check_signature(member.signing_key, _party_bytes(member), card.signature)
        return card


@dataclass(frozen=True)
class LogCard:
    """The matcher's public log key: 32 bytes, Ed25519."""

    log_key: bytes
    signature: bytes

    @classmethod
    def make(cls, key: SigningKey) -> LogCard:
        """The card of ``key``, signed with it."""
        return cls(key.public_key, key.sign(enc("log-card", key.public_key)))

    @property
    def fingerprint(self) -> str:
        return fingerprint(enc("log-card", self.log_key))

    def encode(self) -> bytes:
        """The card as JSON."""
        log_key, signature = _b64(self.log_key), _b64(self.signature)
        return _to_json("log", log_key=log_key, fingerprint=self.fingerprint, signature=signature)

    @classmethod
    def _read(cls, fields: Mapping[str, Any]) -> LogCard:
        card = cls(_bytes(fields, "log_key"), _bytes(fields, "signature"))
        _check_signature(card.log_key, enc("log-card", card.log_key), card.signature)
        return card


@dataclass(frozen=True)
class CommitmentCard:
    """One custodian's commitment to his share of one epoch, signed with his authority key."""

    custodian: int
    name: str
    district: str
    epoch: int
    suite: int
    commitment: bytes
    authority_key: bytes
    signature: bytes = b""

    def signed_by(self, key: SigningKey) -> CommitmentCard:
        """The same card with its signature."""
        return CommitmentCard(*self._facts(), signature=key.sign(self.signed_bytes()))

    def signed_bytes(self) -> bytes:
        """``enc("commitment-card", u8 custodian, name, district, u64 epoch, u16 suite, d, key)``."""
        texts = (self.name.encode(), self.district.encode())
        numbers = (u64(self.epoch), u16(self.suite))
        keys = (self.commitment, self.authority_key)
        return enc("commitment-card", u8(self.custodian), *texts, *numbers, *keys)

    def _facts(self) -> tuple[int, str, str, int, int, bytes, bytes]:
        where = (self.custodian, self.name, self.district, self.epoch, self.suite)
        return (*where, self.commitment, self.authority_key)

    @property
    def fingerprint(self) -> str:
        """Of the authority key: it stays the same in every epoch."""
        return fingerprint(self.authority_key)

    def encode(self) -> bytes:
        """The card as JSON."""
        return _to_json(
            "commitment",
            custodian=self.custodian,
            name=self.name,
            district=self.district,
            epoch=self.epoch,
            suite=self.suite,
            commitment=_b64(self.commitment),
            authority_key=_b64(self.authority_key),
            fingerprint=self.fingerprint,
            signature=_b64(self.signature),
        )

    @classmethod
    def _read(cls, fields: Mapping[str, Any]) -> CommitmentCard:
        card = cls(
            int(fields["custodian"]),
            check_name(_text(fields, "name")),
            check_name(_text(fields, "district")),
            int(fields["epoch"]),
            int(fields["suite"]),
            _bytes(fields, "commitment"),
            _bytes(fields, "authority_key"),
            _bytes(fields, "signature"),
        )
        _check_signature(card.authority_key, card.signed_bytes(), card.signature)
        return card


def read_party_card(path: Path) -> PartyCard:
    """The card in ``path``. Raises CeremonyError unless it is a party's and its signature holds."""
    return _read_card(path, "party", PartyCard._read)


def read_log_card(path: Path) -> LogCard:
    """The card in ``path``. Raises CeremonyError unless it is a log's and its signature holds."""
    return _read_card(path, "log", LogCard._read)


def read_commitment_card(path: Path) -> CommitmentCard:
    """The card in ``path``. Raises CeremonyError unless it is a custodian's and its signature holds."""
    return _read_card(path, "commitment", CommitmentCard._read)


def _read_card(path: Path, kind: str, read: Callable[[Mapping[str, Any]], CardT]) -> CardT:
    data = read_file(path, "a card")
    try:
        fields = json.loads(data[: _MAX_CARD_BYTES + 1])
        if fields["card"] != f"libmatch/{kind}/1":
            raise CeremonyError(
                f"{path.name} is not a {kind} card", f"{path.name} 不是所需的公开卡片（{kind}）"
            )
        return read(fields)
    except CeremonyError as error:
        raise CeremonyError(f"{path.name}: {error}", f"{path.name}：{error.message_zh}") from None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, LibmatchError):
        raise CeremonyError(
            f"{path.name} is not a card, or was altered",
            f"{path.name} 不是公开卡片，或内容已被改动；请对方重新导出",
        ) from None


def _check_signature(key: bytes, message: bytes, signature: bytes) -> None:
    if not verify_signature(key, message, signature):
        raise EncodingError("the card's own signature does not hold")


def _party_bytes(member: Member) -> bytes:
    return enc("party-card", member.encode())


def _to_json(kind: str, **fields: object) -> bytes:
    card = {"card": f"libmatch/{kind}/1", **fields}
    return (json.dumps(card, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(fields: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(_text(fields, name), validate=True)
    except binascii.Error:
        raise EncodingError(f"{name} is not base64") from None


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise EncodingError(f"{name} is not a text")
    return value
