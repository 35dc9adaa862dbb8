"""Steps of a ceremony that tests take one by one."""

from __future__ import annotations

from pathlib import Path

from services.authority.cards import CommitmentCard
from services.authority.custodian import new_share
from services.authority.epoch_folder import EpochFiles
from services.authority.sign import sign_epoch
from tests.ceremony import (
    DISTRICT,
    SECRETS,
    Ceremony,
    agree,
)


def cards_of(ceremony: Ceremony, epoch: int) -> list[CommitmentCard]:
    return [
        new_share(ceremony.custodian(number), SECRETS[number], DISTRICT, epoch, 1)
        for number in (1, 2)
    ]


def sign(ceremony: Ceremony, number: int, folder: Path) -> EpochFiles:
    return sign_epoch(ceremony.custodian(number), SECRETS[number], folder, agree)
