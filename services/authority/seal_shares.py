"""A custodian seals his share to every enrolled unit, and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from libmatch.keys import seal_to, share_info
from libmatch.manifest import Epoch, Member, Role
from services.authority.custodian import Custodian
from services.authority.epoch_folder import read_epoch_files
from services.authority.sign import check_own_share, trusted_keys
from services.chassis.owner_files import PUBLIC, make_private_folder, write_new


def seal_shares(
    custodian: Custodian, passphrase: str, epoch_folder: Path, out: Path
) -> Mapping[str, Path]:
    """The sealed share of each active unit, as ``out/<unit>/share-<i>``.

    The epoch must bear two signatures of authorities that this custodian confirmed. Raises CeremonyError,
    KeyFileError, ManifestError, EncodingError, FileExistsError.
    """
    epoch = read_epoch_files(epoch_folder).verified(trusted_keys(custodian))
    share = check_own_share(custodian, passphrase, epoch.manifest)
    make_private_folder(out)
    written: dict[str, Path] = {}
    for member in units_of(epoch):
        info = share_info(epoch.epoch_id, custodian.number, member.unit)
        path = out / member.unit / f"share-{custodian.number}"
        path.parent.mkdir()
        write_new(path, seal_to(member.hpke_key, share.reveal(), info), mode=PUBLIC)
        written[member.unit] = path
    return written


def units_of(epoch: Epoch) -> list[Member]:
    """The active members that get shares: those who submit. 纪委 gets none."""
    return list(epoch.roster.with_role(Role.REGISTRY | Role.BENEFICIARY))
