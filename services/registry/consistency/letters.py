"""Letters made and opened with this unit's keys (``libmatch.letters``, ``libmatch.consistency``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from libmatch.consistency import (
    Claim,
    Details,
    Route,
    derive_consistency_key,
    derive_pair,
    find_claims,
    pack_claims,
)
from libmatch.errors import EncodingError
from libmatch.identifiers import Identifier
from libmatch.keys import seal_to
from libmatch.letters import Letter, ack_bytes, seal_info, verify_letter
from libmatch.manifest import Member, Role
from libmatch.records import SIGNATURE_SIZE
from services.holder.material import Material
from services.registry.consistency.values import Declarant, DeclaredRelative, Told


class Letterbox:
    """What one unit writes, and how it reads what others write."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._key = derive_consistency_key(material.suite, material.holder.key)

    @property
    def unit(self) -> str:
        return self._material.unit

    @property
    def epoch_id(self) -> bytes:
        return self._material.epoch.epoch_id

    def members(self) -> list[Member]:
        """The active reporting units, this one too."""
        return list(self._material.epoch.roster.with_role(Role.REGISTRY))

    def pair_of(self, one: Identifier, other: Identifier) -> bytes:
        """What names these two in the epoch, 32 bytes."""
        return derive_pair(self._material.suite, self._key, one, other)

    def tell(self, declarant: Declarant, relative: DeclaredRelative, ref: bytes = b"") -> Told:
        """That ``declarant`` declares ``relative``, who is known here as ``ref``."""
        assert relative.identifier is not None
        pair = self.pair_of(declarant.identifier, relative.identifier)
        unit = declarant.unit or self._material.display_name
        return Told(ref, pair, declarant.name, unit, declarant.post, relative.relation.value)

    def write(
        self, recipient: Member, seq: int, declared: Sequence[tuple[Declarant, DeclaredRelative]]
    ) -> Letter:
        """The sealed, signed letter. Raises BatchError where it would be too long."""
        claims = []
        for declarant, relative in declared:
            assert relative.identifier is not None
            told = self.tell(declarant, relative)
            details = Details(told.pair, told.name, told.unit, told.post, told.relation)
            claims.append(Claim(relative.identifier, details))
        material, route = self._material, Route(self.unit, recipient.unit, seq)
        body = pack_claims(material.suite, self._key, route, claims)
        info = seal_info(self.epoch_id, self.unit, recipient.unit, seq)
        sealed = seal_to(recipient.hpke_key, body, info)
        who = (self.epoch_id, self.unit, recipient.unit, seq)
        draft = Letter(*who, sealed, bytes(SIGNATURE_SIZE))
        message = draft.signed_bytes(material.suite)
        return replace(draft, signature=material.holder.signing_key.sign(message))

    def read(self, letter: Letter, own: Mapping[Identifier, Declarant]) -> list[Told]:
        """What the letter tells about officials of this unit.

        Raises EpochError, ManifestError (not that sender's), EncodingError (not for this unit, malformed).
        """
        material = self._material
        verify_letter(material.epoch, letter)
        body = material.hpke.open(letter.sealed, letter.seal_info())
        if body is None:
            raise EncodingError("the letter does not open with this unit's key")
        route = Route(letter.sender, letter.recipient, letter.seq)
        found = find_claims(material.suite, self._key, route, body, own)
        return [
            Told(own[one.official].ref, d.pair, d.name, d.unit, d.post, d.relation)
            for one in found
            for d in (one.details,)
        ]

    def sign_ack(self, number: int) -> bytes:
        """This unit's signature that it has taken in its letters up to ``number``."""
        message = ack_bytes(self.epoch_id, self.unit, number)
        return self._material.holder.signing_key.sign(message)
