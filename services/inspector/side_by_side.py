"""Calls to the matcher side by side, so that its disk and this machine's work overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from libmatch.errors import ServiceError

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

_THREADS = 4  # half of what the matcher lets one caller do at a time


class Crew:
    """Some threads for the time of a round."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def run(
        self, ask: Callable[[Asked], Answer], about: Sequence[Asked]
    ) -> tuple[list[Answer], ServiceError | None]:
        """The answers that came, in order, and the first failure: what came is kept either way."""
        attempts = list(self._pool.map(lambda one: _attempt(ask, one), about))
        answers = [answer for answer, _ in attempts if answer is not None]
        return answers, next((error for _, error in attempts if error is not None), None)


@contextmanager
def crew() -> Iterator[Crew]:
    """A crew; its threads end with the block."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="matcher") as pool:
        yield Crew(pool)


def _attempt(
    ask: Callable[[Asked], Answer], about: Asked
) -> tuple[Answer | None, ServiceError | None]:
    try:
        return ask(about), None
    except ServiceError as error:
        return None, error
