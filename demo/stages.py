"""What is going on, for the person who watches: a bar and a time for each stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

Advance = Callable[[int], None]


class Stages:
    """Shows stages on ``console`` and keeps how long each took (``seconds``, by name)."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> Stages:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    @contextmanager
    def stage(self, name: str, title_zh: str, total: int = 1) -> Iterator[Advance]:
        """One stage; the block calls what it gets with each part of ``total`` that is done."""
        task = self._progress.add_task(title_zh, total=max(total, 1))
        began = time.monotonic()
        yield lambda count: self._progress.advance(task, count)
        took = time.monotonic() - began
        self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 2)
        self._progress.update(task, completed=max(total, 1))
        if not self._console.is_terminal:
            self._console.print(f"{title_zh}：{took:.1f} 秒")
