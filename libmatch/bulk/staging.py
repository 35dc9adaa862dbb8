"""Files that are written whole or not at all, where an engine needs room beside them while it works."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RESULT = "result"
_OWNER_ONLY = 0o600


def refuse_existing(path: Path) -> None:
    """Return if nothing is at ``path``. Raises FileExistsError."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "the file exists already", str(path))


@contextmanager
def stage(out: Path, *, overwrite: bool) -> Iterator[tuple[Path, Path]]:
    """A folder of the owner's alone beside ``out``, and the file in it that becomes ``out`` at the end.

    When the block ends well, the file is durable at ``out``; when it does not, ``out`` is as it was. The
    folder goes in both cases; a process that is killed leaves one named ``.<name>.*.part``, to be deleted.
    Raises FileExistsError rather than overwrite, unless asked to; FileNotFoundError without the parent.
    """
    if not overwrite:
        refuse_existing(out)
    if not out.absolute().parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(out.parent))
    folder = _make_folder(out)
    try:
        result = folder / _RESULT
        yield folder, result
        _publish(result, out, overwrite=overwrite)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder(out: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    except OSError as error:  # names the folder that the caller knows
        raise OSError(error.errno, error.strerror, str(out.parent)) from None


def _publish(result: Path, out: Path, *, overwrite: bool) -> None:
    result.chmod(_OWNER_ONLY)
    _sync(result)
    if overwrite:
        result.replace(out)
    else:
        _link_or_rename(result, out)
    _sync(out.absolute().parent)


def _link_or_rename(result: Path, out: Path) -> None:
    try:
        os.link(result, out)  # fails where out exists, without a moment in between
    except FileExistsError:
        refuse_existing(out)
        raise
    except OSError:  # a file system without hard links
        refuse_existing(out)
        result.rename(out)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
