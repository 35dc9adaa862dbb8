"""The epoch manifest and the roster: build, sign, verify (spec section 3).

The manifest fixes one epoch: suite, mode, validity, commitments, 纪委's key, the log's key. Its hash ``E``
names the epoch, so it never changes. The roster says who is enrolled and may grow; it is signed under the
same E. Both are canonical bytes with the signatures of at least two authority keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, IntFlag

from libmatch.encoding import dec, enc, exactly, u8, u16, u64, uint
from libmatch.errors import EncodingError, EpochError, ManifestError
from libmatch.records import SIGNATURE_SIZE, WORD, Side, check_unit
from libmatch.suites import HPKE_PUBLIC_SIZE, get_suite, verify_signature

NORM = 1  # the rules of docs/spec/identifiers.md
MODE_SHARED_KEY = 1
DEFAULT_BUCKET = 512
MIN_CUSTODIANS = 2
MIN_SIGNATURES = 2
_VERIFY_KEY = 32


@dataclass(frozen=True)
class SignedDocument:
    """Canonical bytes with Ed25519 signatures: ``signatures`` are (public key 32, signature 64)."""

    body: bytes
    signatures: tuple[tuple[bytes, bytes], ...] = ()

    def with_signature(self, public_key: bytes, signature: bytes) -> SignedDocument:
        """The document with one more signature; one of the same key is replaced."""
        kept = tuple(s for s in self.signatures if s[0] != public_key)
        return SignedDocument(self.body, (*kept, (public_key, signature)))

    def encode(self) -> bytes:
        """``enc("signed", body, public key ‖ signature, …)``: the form of files."""
        return enc("signed", self.body, *(key + signature for key, signature in self.signatures))

    @classmethod
    def decode(cls, data: bytes) -> SignedDocument:
        """The document in a file's bytes. Raises EncodingError."""
        fields = dec("signed", data)
        if not fields:
            raise EncodingError("a signed document without a body")
        size = _VERIFY_KEY + SIGNATURE_SIZE
        pairs = [exactly(field, size, "a signature entry") for field in fields[1:]]
        return cls(fields[0], tuple((pair[:_VERIFY_KEY], pair[_VERIFY_KEY:]) for pair in pairs))

    def verify(self, trusted_keys: Collection[bytes], minimum: int = MIN_SIGNATURES) -> None:
        """Return if ``minimum`` different trusted keys signed. Raises ManifestError otherwise."""
        good = {
            key
            for key, signature in self.signatures
            if key in trusted_keys and verify_signature(key, self.body, signature)
        }
        if len(good) < minimum:
            raise ManifestError(f"{len(good)} of at least {minimum} authority signatures hold")


@dataclass(frozen=True)
class Manifest:
    """One epoch. Times are whole seconds UTC; ``kinds`` ascending; commitments 32 bytes each."""

    suite: int
    mode: int
    epoch: int
    salt: bytes
    not_before: datetime
    not_after: datetime
    norm: int
    kinds: tuple[int, ...]
    bucket: int
    commitments: tuple[bytes, ...]
    inspector_key: bytes
    log_key: bytes
    previous: bytes = bytes(WORD)
    oprf_keys: bytes = b""

    def __post_init__(self) -> None:
        exactly(self.salt, WORD, "an epoch salt")
        exactly(self.inspector_key, HPKE_PUBLIC_SIZE, "the inspector's public key")
        exactly(self.log_key, _VERIFY_KEY, "the log's public key")
        exactly(self.previous, WORD, "the previous epoch's id")
        for commitment in self.commitments:
            exactly(commitment, WORD, "a share's commitment")
        if not self.kinds or list(self.kinds) != sorted(set(self.kinds)):
            raise ManifestError("kinds are ascending and different")
        if self.not_before >= self.not_after:
            raise ManifestError("an epoch ends after it begins")

    def encode(self) -> bytes:
        """``M`` of spec section 3."""
        return enc(
            "manifest",
            u16(self.suite),
            u8(self.mode),
            u64(self.epoch),
            self.salt,
            u64(int(self.not_before.timestamp())),
            u64(int(self.not_after.timestamp())),
            u16(self.norm),
            bytes(self.kinds),
            u16(self.bucket),
            b"".join(self.commitments),
            self.oprf_keys,
            self.inspector_key,
            self.log_key,
            self.previous,
        )

    @classmethod
    def decode(cls, body: bytes) -> Manifest:
        """The manifest in canonical bytes. Raises EncodingError or ManifestError."""
        f = dec("manifest", body, 14)
        if len(f[9]) % WORD:
            raise EncodingError("commitments are 32 bytes each")
        try:
            starts, ends = (datetime.fromtimestamp(uint(f[i], 8), UTC) for i in (4, 5))
        except (ValueError, OverflowError, OSError):
            raise EncodingError("an epoch's validity is not a time") from None
        return cls(
            suite=uint(f[0], 2),
            mode=uint(f[1], 1),
            epoch=uint(f[2], 8),
            salt=f[3],
            not_before=starts,
            not_after=ends,
            norm=uint(f[6], 2),
            kinds=tuple(f[7]),
            bucket=uint(f[8], 2),
            commitments=tuple(f[9][i : i + WORD] for i in range(0, len(f[9]), WORD)),
            oprf_keys=f[10],
            inspector_key=f[11],
            log_key=f[12],
            previous=f[13],
        )

    @property
    def epoch_id(self) -> bytes:
        """``E = H(M)``, 32 bytes."""
        return get_suite(self.suite).h(self.encode())

    def check_implemented(self) -> None:
        """Return if this library can follow the manifest. Raises ManifestError: nothing is negotiated."""
        get_suite(self.suite)
        if self.mode != MODE_SHARED_KEY or self.oprf_keys:
            raise ManifestError(f"mode {self.mode} is not implemented here")
        if self.norm != NORM:
            raise ManifestError(f"norm {self.norm} of identifiers is not implemented; here: {NORM}")
        if len(self.commitments) < MIN_CUSTODIANS:
            raise ManifestError(f"an epoch has at least {MIN_CUSTODIANS} custodians")

    def check_time(self, now: datetime) -> None:
        """Return if the epoch is in force. Raises EpochError."""
        if now < self.not_before:
            raise EpochError("the epoch is not in force yet")
        if now >= self.not_after:
            raise EpochError("the epoch has ended; fetch the manifest in force")


class Role(IntFlag):
    """What a member may do. Numbers are normative."""

    REGISTRY = 1
    BENEFICIARY = 2
    INSPECTOR = 4


class Status(IntEnum):
    """Whether a member is enrolled. A revoked one stays listed: its old signatures must verify."""

    ACTIVE = 1
    REVOKED = 2


@dataclass(frozen=True)
class Member:
    """One enrolled party: keys for its signatures (32 bytes) and for notices to it (1216 bytes)."""

    unit: str
    display_name: str
    roles: Role
    signing_key: bytes
    hpke_key: bytes
    status: Status = Status.ACTIVE

    def __post_init__(self) -> None:
        if check_unit(self.unit) == "matcher":
            raise ManifestError(
                "no member is called matcher: that word names the matcher in disputes"
            )
        exactly(self.signing_key, _VERIFY_KEY, "a member's signing key")
        exactly(self.hpke_key, HPKE_PUBLIC_SIZE, "a member's HPKE key")

    @property
    def active(self) -> bool:
        return self.status is Status.ACTIVE

    def may_submit(self, side: Side) -> bool:
        """Whether the member is enrolled for ``side``."""
        return bool(self.roles & Role(int(side)))

    def encode(self) -> bytes:
        """``enc("member", unit, display name, u8 roles, u8 status, signing key, HPKE key)``."""
        name = self.display_name.encode("utf-8")
        head = (self.unit.encode("ascii"), name, u8(self.roles), u8(self.status))
        return enc("member", *head, self.signing_key, self.hpke_key)

    @classmethod
    def decode(cls, data: bytes) -> Member:
        """The member in canonical bytes. Raises EncodingError."""
        unit, name, roles, status, signing_key, hpke_key = dec("member", data, 6)
        try:
            known = Role(uint(roles, 1))
            if int(known) & ~7 or not known:
                raise EncodingError("a member has an unknown role")
            unit_text, name_text = unit.decode("ascii"), name.decode("utf-8")
            return cls(unit_text, name_text, known, signing_key, hpke_key, Status(uint(status, 1)))
        except ValueError:
            raise EncodingError("not a roster member") from None


@dataclass(frozen=True)
class Roster:
    """Who is enrolled in epoch ``epoch_id``; a higher version replaces a lower one."""

    epoch_id: bytes
    version: int
    members: tuple[Member, ...]

    def __post_init__(self) -> None:
        exactly(self.epoch_id, WORD, "an epoch id")
        names = [member.unit for member in self.members]
        if names != sorted(set(names)):
            raise ManifestError("a roster lists each member once, in order of name")

    def encode(self) -> bytes:
        """``enc("roster", E, u64 version, member, …)``."""
        encoded = (member.encode() for member in self.members)
        return enc("roster", self.epoch_id, u64(self.version), *encoded)

    @classmethod
    def decode(cls, body: bytes) -> Roster:
        """The roster in canonical bytes. Raises EncodingError or ManifestError."""
        fields = dec("roster", body)
        if len(fields) < 2:
            raise EncodingError("a roster names its epoch and version")
        members = tuple(Member.decode(field) for field in fields[2:])
        return cls(fields[0], uint(fields[1], 8), members)

    def find(self, unit: str) -> Member:
        """The member of that name, revoked or not. Raises ManifestError where there is none."""
        for member in self.members:
            if member.unit == unit:
                return member
        raise ManifestError("not a member of the roster")

    def with_role(self, role: Role) -> Iterable[Member]:
        """The active members that have ``role``."""
        return (member for member in self.members if member.active and member.roles & role)


@dataclass(frozen=True)
class Epoch:
    """A verified manifest with its verified roster."""

    manifest: Manifest
    roster: Roster

    @property
    def epoch_id(self) -> bytes:
        return self.roster.epoch_id


def open_manifest(document: SignedDocument, trusted_keys: Collection[bytes]) -> Manifest:
    """The manifest, signed by two trusted authority keys and implemented here.

    Raises ManifestError or EncodingError. The caller checks the time (``Manifest.check_time``).
    """
    document.verify(trusted_keys)
    manifest = Manifest.decode(document.body)
    manifest.check_implemented()
    if manifest.encode() != document.body:
        raise EncodingError("the manifest is not in canonical form")
    return manifest


def open_roster(
    document: SignedDocument, trusted_keys: Collection[bytes], manifest: Manifest
) -> Roster:
    """The roster of ``manifest``'s epoch, signed by two trusted authority keys.

    Raises ManifestError, EpochError for another epoch's roster, or EncodingError.
    """
    document.verify(trusted_keys)
    roster = Roster.decode(document.body)
    if roster.epoch_id != manifest.epoch_id:
        raise EpochError("the roster belongs to another epoch than the manifest")
    return roster


def open_epoch(
    manifest: SignedDocument, roster: SignedDocument, trusted_keys: Collection[bytes]
) -> Epoch:
    """Both documents verified together. Raises ManifestError, EpochError or EncodingError."""
    opened = open_manifest(manifest, trusted_keys)
    return Epoch(opened, open_roster(roster, trusted_keys, opened))
