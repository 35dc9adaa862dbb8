"""Files that only their owner reads: written whole or not at all, never over another file.

For key files, shares, certificates and sheets of results. Works on the file systems of memory sticks too,
which know neither hard links nor permissions.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

OWNER_ONLY = 0o600
PUBLIC = 0o644
_OWNER_FOLDER = 0o700


def write_new(path: Path, data: bytes, *, mode: int = OWNER_ONLY) -> None:
    """Return when ``path`` holds ``data`` durably. Raises FileExistsError rather than overwrite."""
    staged = _stage(path, data, mode)
    try:
        _link_or_rename(staged, path)
    finally:
        staged.unlink(missing_ok=True)
    _sync_folder(path.parent)


def replace(path: Path, data: bytes, *, mode: int = OWNER_ONLY) -> None:
    """Return when ``path`` holds ``data`` durably instead of what it held; readers see old or new."""
    staged = _stage(path, data, mode)
    try:
        os.replace(staged, path)
    finally:
        staged.unlink(missing_ok=True)
    _sync_folder(path.parent)


def refuse_existing(path: Path) -> None:
    """Return if nothing is at ``path``: asked before slow work; ``write_new`` asks again."""
    if path.exists():
        raise FileExistsError(errno.EEXIST, "the file exists already", str(path))


def make_private_folder(path: Path) -> None:
    """Return when ``path`` is an empty folder of the owner's alone, with its parents.

    Raises FileExistsError where something is there already.
    """
    path.mkdir(mode=_OWNER_FOLDER, parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise FileExistsError(errno.EEXIST, "the folder is not empty", str(path))
    path.chmod(_OWNER_FOLDER)


def _stage(path: Path, data: bytes, mode: int) -> Path:
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return staged


def _link_or_rename(staged: Path, path: Path) -> None:
    try:
        os.link(staged, path)  # fails where path exists, without a moment in between
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, "the file exists already", str(path)) from None
    except OSError:  # no hard links here, as on FAT
        refuse_existing(path)
        staged.rename(path)


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder is not a file everywhere
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
