"""Reading files that only their owner may read: passphrases and private keys."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from libmatch.errors import KeyFileError

_MAX_SECRET_BYTES = 1 << 20


def read_secret(path: Path) -> bytes:
    """The content of a secret file. Raises KeyFileError unless only its owner can read it."""
    try:
        # Opened once and examined by descriptor: a path could change between check and read.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        _refuse_open_secret(path, os.fstat(descriptor).st_mode)
        secret = os.read(descriptor, _MAX_SECRET_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(secret) > _MAX_SECRET_BYTES:
        raise KeyFileError(f"{path}: larger than 1 MiB, not a secret file")
    return secret


def _refuse_open_secret(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise KeyFileError(f"{path}: a secret must be a regular file")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path}: others can read this secret; run: chmod 600 {path}")


def read_passphrase(path: Path) -> str:
    """The passphrase in a secret file, without its line end. Raises KeyFileError."""
    try:
        return read_secret(path).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise KeyFileError(f"{path}: a passphrase is UTF-8 text") from None
