"""Letters for tests: signed by their sender, sealed to nobody unless a body is given."""

from __future__ import annotations

import os
from dataclasses import replace

from libmatch.keys import seal_to
from libmatch.letters import Letter, seal_info, sealed_size
from tests.district import District


def make_letter(
    district: District,
    sender: str,
    recipient: str,
    seq: int = 1,
    *,
    body: bytes | None = None,
    buckets: int = 1,
    signer: str = "",
) -> Letter:
    """A letter that the matcher takes; without ``body`` nobody opens it."""
    epoch = district.epoch.epoch_id
    sealed = os.urandom(sealed_size(buckets))
    if body is not None:
        info = seal_info(epoch, sender, recipient, seq)
        sealed = seal_to(district.roster.find(recipient).hpke_key, body, info)
    return sign_letter(
        district, Letter(epoch, sender, recipient, seq, sealed, bytes(64)), signer or sender
    )


def sign_letter(district: District, letter: Letter, signer: str) -> Letter:
    """``letter`` with the signature of ``signer``."""
    message = letter.signed_bytes(district.suite)
    return replace(letter, signature=district.keys(signer).signing.sign(message))
