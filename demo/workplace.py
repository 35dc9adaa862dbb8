"""The folder that a run writes into: what it made is replaced by the next run, nothing else is touched."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.failure import DemoFailure

MARKER = ".libmatch-demo"
_NOTE = (
    "本文件夹由 libmatch 演示程序生成，全部为虚构数据。再次运行时只替换下列各项：\n"
    "This folder was made by the libmatch demo; the next run replaces these entries and no others:\n"
)


@dataclass(frozen=True)
class Workplace:
    """Paths of one run below ``folder``."""

    folder: Path

    @property
    def sheets(self) -> Path:
        """The files that the clerks bring, a folder a unit."""
        return self.folder / "sheets"

    @property
    def district(self) -> Path:
        """The parties' own folders: keys, settings, databases."""
        return self.folder / "district"

    @property
    def logs(self) -> Path:
        """Standard output and standard error of every service."""
        return self.folder / "logs"

    @property
    def results(self) -> Path:
        """What each party got, a folder each."""
        return self.folder / "results"

    @property
    def clock(self) -> Path:
        """By how much the district's clock is moved (``demo.clock``)."""
        return self.folder / "clock"

    @property
    def report(self) -> Path:
        """The machine-readable report."""
        return self.folder / "report.json"


_ENTRIES = ("sheets", "district", "logs", "results", "clock", "report.json")


@contextmanager
def open_workplace(folder: Path) -> Iterator[Workplace]:
    """A clean workplace, this run's alone for the time of the block.

    Raises DemoFailure for a folder that no demo made, or in which one is running.
    """
    folder = folder.absolute()
    marker = folder / MARKER
    if folder.is_dir() and not marker.is_file() and any(folder.iterdir()):
        raise DemoFailure(f"{folder} 不是空文件夹，也不是演示程序生成的；请另选 --out")
    if folder.exists() and not folder.is_dir():
        raise DemoFailure(f"{folder} 不是文件夹；请另选 --out")
    folder.mkdir(parents=True, exist_ok=True)
    with marker.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoFailure(f"另一个演示正在使用 {folder}") from None
        lock.truncate(0)
        lock.write(_NOTE + "".join(f"  {entry}\n" for entry in _ENTRIES))
        lock.flush()
        yield _emptied(Workplace(folder))


def _emptied(place: Workplace) -> Workplace:
    for entry in _ENTRIES:
        path = place.folder / entry
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for made in (place.sheets, place.logs, place.results):
        made.mkdir()
    return place
