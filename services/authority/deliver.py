"""What each party gets for its kit: the signed epoch and, for a unit, the shares sealed to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from libmatch.kit import read_file
from libmatch.manifest import Member
from services.authority.epoch_folder import EpochFiles, read_epoch_files, write_epoch_files
from services.authority.errors import CeremonyError
from services.authority.seal_shares import units_of
from services.chassis.owner_files import PUBLIC, make_private_folder, write_new

MATCHER_FOLDER = "_matcher"  # no unit has an underscore in its name


def deliver(epoch_folder: Path, share_folders: Sequence[Path], out: Path) -> list[Path]:
    """The delivery folders ``out/<member>`` and ``out/_matcher``, nothing in them secret.

    ``share_folders`` are in order of custodian. Raises CeremonyError where a share is missing,
    ManifestError where a signature is, KeyFileError, FileExistsError.
    """
    files = read_epoch_files(epoch_folder)
    epoch = files.verified(files.authorities)
    if len(share_folders) != len(epoch.manifest.commitments):
        raise CeremonyError(
            "one folder of sealed shares of each custodian is needed, in order",
            "须按编号顺序给出每位保管人的密封份额文件夹",
        )
    make_private_folder(out)
    units = {member.unit: member for member in units_of(epoch)}
    names = [m.unit for m in epoch.roster.members if m.active and m.unit not in units]
    written = [_deliver_unit(files, unit, share_folders, out) for unit in units.values()]
    written += [_deliver_epoch(files, out / name) for name in names]
    return [*written, _deliver_epoch(files, out / MATCHER_FOLDER)]


def _deliver_unit(files: EpochFiles, unit: Member, shares: Sequence[Path], out: Path) -> Path:
    folder = out / unit.unit
    sealed = [read_sealed_share(path, unit.unit, i) for i, path in enumerate(shares, 1)]
    _deliver_epoch(files, folder)
    for number, data in enumerate(sealed, 1):
        write_new(folder / f"share-{number}", data, mode=PUBLIC)
    return folder


def _deliver_epoch(files: EpochFiles, folder: Path) -> Path:
    write_epoch_files(folder, files)
    return folder


def read_sealed_share(folder: Path, unit: str, number: int) -> bytes:
    """Custodian ``number``'s share sealed to ``unit``. Raises CeremonyError naming both."""
    path = folder / unit / f"share-{number}"
    if not path.exists():
        raise CeremonyError(
            f"custodian {number} has sealed no share to {unit}",
            f"缺少保管人 {number} 给 {unit} 的密封份额；请该保管人对最新名册重新密封",
        )
    return read_file(path, f"the share of custodian {number}")
