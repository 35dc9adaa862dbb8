"""Stands between SQLite and the disk: sees each call that changes a file, and can let it fail.

::

    with watched(folder, watcher):            # every database below ``folder`` that is opened from now on
        Database(f"sqlite:///{folder / 'matcher.db'}")

A VFS is registered as the default one of the very library that Python's ``sqlite3`` uses, so the code under
test is not changed and does not know. It is SQLite's own Unix VFS with the calls of ``WATCHED`` replaced; the
rest goes straight to it. Syncs of the folder itself, which SQLite makes inside others, are seen by its system
call ``openDirectory``. Where a library cannot be watched, ``CannotWatch`` says so: such a test must fail.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    addressof,
    c_char_p,
    c_int,
    c_int64,
    c_void_p,
    cast,
)
from pathlib import Path
from typing import Any

OK, IOERR = 0, 10


class CannotWatch(AssertionError):
    """SQLite's calls cannot be seen on this machine, so nothing would be proved."""


class Watcher:
    """What a test wants to know of the files in its folder; names are without the folder."""

    def before(self, call: str, name: str) -> int:
        """SQLite's result code with which ``call`` (``xWrite``, …) is to fail; 0 lets it happen."""
        return OK

    def opened(self, name: str) -> None: ...
    def wrote(self, name: str, offset: int, data: bytes) -> None: ...
    def truncated(self, name: str, size: int) -> None: ...
    def synced(self, name: str) -> None: ...
    def deleted(self, name: str) -> None: ...
    def folder_synced(self) -> None: ...


_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_SET_CALL = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p)
_GET_CALL = CFUNCTYPE(c_void_p, c_void_p, c_char_p)
_OPEN_FOLDER = CFUNCTYPE(c_int, c_void_p, c_void_p)
_CLOSE = CFUNCTYPE(c_int, c_void_p)
_READ_OR_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)
_MAP = CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int, c_void_p)


class _Vfs(Structure):
    """``sqlite3_vfs``, version 3."""


_Vfs._fields_ = [
    ("iVersion", c_int),
    ("szOsFile", c_int),
    ("mxPathname", c_int),
    ("pNext", c_void_p),
    ("zName", c_char_p),
    ("pAppData", c_void_p),
    ("xOpen", _OPEN),
    ("xDelete", _DELETE),
    *((f"other{i}", c_void_p) for i in range(11)),
    ("xSetSystemCall", _SET_CALL),
    ("xGetSystemCall", _GET_CALL),
    ("xNextSystemCall", c_void_p),
]


class _Methods(Structure):
    """``sqlite3_io_methods``, version 3: what a file can do."""

    _fields_ = (
        ("iVersion", c_int),
        ("xClose", _CLOSE),
        ("xRead", _READ_OR_WRITE),
        ("xWrite", _READ_OR_WRITE),
        ("xTruncate", _TRUNCATE),
        ("xSync", _SYNC),
        *((f"other{i}", c_void_p) for i in range(7)),
        ("xShmMap", _MAP),
        *((f"more{i}", c_void_p) for i in range(5)),
    )


class _File(Structure):
    """``sqlite3_file``: its methods, and behind them what is the VFS's own."""

    _fields_ = (("methods", POINTER(_Methods)),)


def _library() -> ctypes.CDLL:
    """The library that Python's sqlite3 runs on, found through its extension module."""
    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    try:
        library.sqlite3_vfs_find.argtypes, library.sqlite3_vfs_find.restype = [c_char_p], c_void_p
        library.sqlite3_vfs_register.argtypes = [c_void_p, c_int]
        library.sqlite3_vfs_unregister.argtypes = [c_void_p]
        library.sqlite3_sourceid.restype = c_char_p
    except AttributeError as error:
        raise CannotWatch(f"the SQLite of this Python shows no {error}") from None
    with closing(sqlite3.connect(":memory:")) as connection:
        (source,) = connection.execute("SELECT sqlite_source_id()").fetchone()
    if library.sqlite3_sourceid().decode() != source:
        raise CannotWatch("another SQLite library was found than the one that Python uses")
    return library


class _Shim:
    """The replaced calls. Kept for ever once made: SQLite may call them as long as it lives."""

    def __init__(self, library: ctypes.CDLL, folder: Path, watcher: Watcher) -> None:
        self._folder, self._watcher = folder.resolve(), watcher
        self._library = library
        self.original = library.sqlite3_vfs_find(None)
        self.real = cast(self.original, POINTER(_Vfs)).contents
        if self.real.iVersion < 3 or self.real.zName != b"unix":
            raise CannotWatch(f"SQLite's default VFS is {self.real.zName!r}, not the one for Unix")
        self._names: dict[int, str] = {}  # of open files, by their address
        self._methods: dict[int, _Methods] = {}  # replaced ones, by the address of the real ones
        self.opens = 0
        self.vfs = _Vfs.from_buffer_copy(self.real)
        self.vfs.zName = b"watched"
        self.vfs.xOpen, self.vfs.xDelete = _OPEN(self._open), _DELETE(self._delete)
        self._open_folder_address = self.real.xGetSystemCall(self.original, b"openDirectory")
        self._real_open_folder = _OPEN_FOLDER(self._open_folder_address)
        self._open_folder_call = _OPEN_FOLDER(self._open_folder)

    def install(self) -> None:
        call = cast(self._open_folder_call, c_void_p)
        failed = self.real.xSetSystemCall(self.original, b"openDirectory", call)
        if failed or self._library.sqlite3_vfs_register(addressof(self.vfs), 1):
            raise CannotWatch("SQLite refuses to register a VFS")

    def remove(self) -> None:
        self._library.sqlite3_vfs_unregister(addressof(self.vfs))
        self._library.sqlite3_vfs_register(self.original, 1)
        self.real.xSetSystemCall(self.original, b"openDirectory", None)

    def _name(self, path: int | None) -> str | None:
        """The file's name where it lies in the watched folder; temporary files have no path."""
        if not path:
            return None
        found = Path(ctypes.string_at(path).decode())
        return found.name if found.parent == self._folder else None

    # Nothing may be raised through C: what a watcher raises is an I/O error, and is printed by ctypes.

    def _open(self, vfs: int, path: int, file: int, flags: int, out: int) -> int:
        self.opens += 1
        name = self._name(path)
        failed = self._before("xOpen", name)
        if failed:
            cast(file, POINTER(c_void_p))[0] = None  # no methods: nothing to close
            return failed
        result: int = self.real.xOpen(vfs, path, file, flags, out)
        if result == OK and name is not None:
            self._names[file] = name
            self._replace_methods(file)
            self._watcher.opened(name)
        return result

    def _delete(self, vfs: int, path: int, sync_folder: int) -> int:
        name = self._name(path)
        failed = self._before("xDelete", name)
        if failed:
            return failed
        # The name is gone before the folder is synced within the same call.
        if name is not None:
            self._watcher.deleted(name)
        return int(self.real.xDelete(vfs, path, sync_folder))

    def _open_folder(self, path: int, descriptor: int) -> int:
        """SQLite is about to sync the folder of ``path``."""
        result: int = self._real_open_folder(path, descriptor)
        if result == OK and self._name(path) is not None:
            self._watcher.folder_synced()
        return result

    def _before(self, call: str, name: str | None) -> int:
        return OK if name is None else self._watcher.before(call, name)

    def _replace_methods(self, file: int) -> None:
        handle = cast(file, POINTER(_File)).contents
        real, address = handle.methods.contents, addressof(handle.methods.contents)
        if address not in self._methods:
            methods = _Methods.from_buffer_copy(real)
            for call, made in self._wrap(real).items():
                setattr(methods, call, made)
            self._methods[address] = methods
        handle.methods = ctypes.pointer(self._methods[address])

    def _wrap(self, real: _Methods) -> dict[str, Any]:
        """The methods that a watcher sees, by name; the others stay SQLite's."""

        def close(file: int) -> int:
            self._names.pop(file, None)
            return int(real.xClose(file))

        def read(file: int, buffer: int, size: int, offset: int) -> int:
            failed = self._watcher.before("xRead", self._names[file])
            return failed or int(real.xRead(file, buffer, size, offset))

        def write(file: int, buffer: int, size: int, offset: int) -> int:
            name = self._names[file]
            failed = self._watcher.before("xWrite", name)
            # As on a real disk that fills up, half of what fails is written nevertheless.
            size = size // 2 if failed else size
            result = int(real.xWrite(file, buffer, size, offset))
            if result == OK:
                self._watcher.wrote(name, offset, ctypes.string_at(buffer, size))
            return failed or result

        def truncate(file: int, size: int) -> int:
            name = self._names[file]
            result = self._watcher.before("xTruncate", name) or int(real.xTruncate(file, size))
            if result == OK:
                self._watcher.truncated(name, size)
            return result

        def sync(file: int, flags: int) -> int:
            name = self._names[file]
            result = self._watcher.before("xSync", name) or int(real.xSync(file, flags))
            if result == OK:
                self._watcher.synced(name)
            return result

        def shm_map(file: int, region: int, size: int, extend: int, out: int) -> int:
            failed = self._watcher.before("xShmMap", self._names[file])
            return failed or int(real.xShmMap(file, region, size, extend, out))

        wrapped: dict[str, Any] = {
            "xClose": _CLOSE(close),
            "xRead": _READ_OR_WRITE(read),
            "xWrite": _READ_OR_WRITE(write),
            "xTruncate": _TRUNCATE(truncate),
            "xSync": _SYNC(sync),
        }
        return wrapped | ({"xShmMap": _MAP(shm_map)} if real.xShmMap else {})


_KEPT: list[_Shim] = []


@contextmanager
def watched(folder: Path, watcher: Watcher) -> Iterator[None]:
    """Databases in ``folder`` that are opened from now on are seen by ``watcher``.

    Close them before the end. Raises CannotWatch.
    """
    shim = _Shim(_library(), folder, watcher)
    _KEPT.append(shim)
    shim.install()
    try:
        _prove(shim)
        yield
    finally:
        shim.remove()


def _prove(shim: _Shim) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "probe.db")) as connection,
    ):
        connection.execute("CREATE TABLE probe (x)")
    if not shim.opens:
        raise CannotWatch("Python's sqlite3 opens files without the registered VFS")
