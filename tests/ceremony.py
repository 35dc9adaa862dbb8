"""The authority's ceremony for tests, held as in real life: every machine a folder of its own.

::

    ceremony = hold_ceremony(tmp_path)           signed epoch 1 with UNITS and 纪委; takes about a second
    ceremony.one ceremony.two                    the custodians' folders, each on his own "machine"
    ceremony.carried                             what passed between machines: cards, epoch, sealed shares
    ceremony.kit("caizheng")                     that unit's kit, keys only until ``deliver`` and ``install``
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from libmatch.keys import Share, seal_to, share_info
from libmatch.kit import PartyKeys, read_party_keys
from libmatch.manifest import Epoch, Role
from services.authority.cards import CommitmentCard, read_log_card, read_party_card
from services.authority.custodian import Custodian, init_custodian, new_share, open_custodian
from services.authority.deliver import deliver
from services.authority.epoch_folder import EpochFiles, read_epoch_files, write_epoch_files
from services.authority.party import new_log, new_party
from services.authority.propose import Terms, propose_epoch
from services.authority.seal_shares import seal_shares
from services.authority.sign import sign_epoch

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
DISTRICT = "fuling"
SECRETS = {1: "passphrase of custodian one", 2: "passphrase of custodian two"}
PASSPHRASE = "correct horse battery"
UNITS = {
    "caizheng": ("区财政局", Role.REGISTRY),
    "minzheng": ("区民政局", Role.REGISTRY | Role.BENEFICIARY),
}
UNIT = "caizheng"  # one of them
INSPECTOR = "jiwei"
YEAR = Terms(NOW - timedelta(hours=1), NOW + timedelta(days=365))


@dataclass(frozen=True)
class Ceremony:
    """Where everything of one ceremony lies."""

    root: Path

    @property
    def one(self) -> Path:
        return self.root / "machine-1" / "custodian"

    @property
    def two(self) -> Path:
        return self.root / "machine-2" / "custodian"

    @property
    def carried(self) -> Path:
        return self.root / "carried"

    @property
    def epoch_folder(self) -> Path:
        return self.carried / "epoch-1"

    def custodian(self, number: int) -> Custodian:
        return open_custodian((self.one, self.two)[number - 1])

    def kit(self, party: str) -> Path:
        return self.root / "parties" / party / "kit"

    def keys(self, party: str) -> PartyKeys:
        return read_party_keys(self.kit(party), PASSPHRASE)

    def files(self) -> EpochFiles:
        return read_epoch_files(self.epoch_folder)

    def epoch(self) -> Epoch:
        files = self.files()
        return files.verified(files.authorities)

    def seal(self) -> list[Path]:
        """Both custodians' folders of sealed shares."""
        folders = [self.carried / f"shares-{number}" for number in (1, 2)]
        for number, folder in enumerate(folders, 1):
            seal_shares(self.custodian(number), SECRETS[number], self.epoch_folder, folder)
        return folders

    def deliver(self) -> Path:
        """The folder of all deliveries, sealed shares included."""
        deliver(self.epoch_folder, self.seal(), self.carried / "deliveries")
        return self.carried / "deliveries"

    def copy(self, root: Path) -> Ceremony:
        """The same ceremony in another place, to be spoiled."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return Ceremony(root)


def deal_falsely(ceremony: Ceremony, unit: str, number: int) -> bytes:
    """A share that opens for ``unit`` and is not the one that custodian ``number`` committed to."""
    epoch = ceremony.epoch()
    info = share_info(epoch.epoch_id, number, unit)
    return seal_to(epoch.roster.find(unit).hpke_key, Share.generate().reveal(), info)


def agree(_: str) -> bool:
    """A custodian who read the summary and agrees."""
    return True


def begin_ceremony(root: Path, suite: int = 1) -> Ceremony:
    """Custodians, shares, party keys and the unsigned draft."""
    ceremony = Ceremony(root)
    cards = [begin_custodian(ceremony, number, suite) for number in (1, 2)]
    new_log(ceremony.kit("matcher"), PASSPHRASE)
    new_party(ceremony.kit(INSPECTOR), INSPECTOR, "区纪委", Role.INSPECTOR, PASSPHRASE)
    for unit, (name, roles) in UNITS.items():
        new_party(ceremony.kit(unit), unit, name, roles, PASSPHRASE)
    log = read_log_card(ceremony.kit("matcher") / "log.json")
    inspector = read_party_card(ceremony.kit(INSPECTOR) / "party.json")
    parties = [read_party_card(ceremony.kit(unit) / "party.json") for unit in UNITS]
    write_epoch_files(ceremony.epoch_folder, propose_epoch(YEAR, cards, log, inspector, parties))
    return ceremony


def begin_custodian(ceremony: Ceremony, number: int, suite: int = 1) -> CommitmentCard:
    """The custodian's folder, authority key and share of epoch 1."""
    folder = (ceremony.one, ceremony.two)[number - 1]
    custodian = init_custodian(folder, number, f"保管人{number}", SECRETS[number])
    return new_share(custodian, SECRETS[number], DISTRICT, 1, suite)


def hold_ceremony(root: Path, suite: int = 1) -> Ceremony:
    """The ceremony up to both custodians' signatures."""
    ceremony = begin_ceremony(root, suite)
    for number in (1, 2):
        sign_epoch(ceremony.custodian(number), SECRETS[number], ceremony.epoch_folder, agree)
    return ceremony
