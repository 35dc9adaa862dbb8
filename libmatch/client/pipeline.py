"""Several batches on their way at once, their receipts in order.

The matcher takes a unit's next batch while it commits the one before, and commits what waits together; one
batch a time leaves it idle while bytes travel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from libmatch.errors import ServiceError
from libmatch.records import Batch, Receipt

AHEAD = 6  # of the 8 calls at once that a caller has by default


def submit_in_order(
    submit: Callable[[Batch], Receipt], batches: Iterable[Batch], ahead: int = AHEAD
) -> Iterator[Receipt]:
    """The receipt of each of ``batches``, which are one unit's and side's next ones, in their order.

    Up to ``ahead`` are under way: so many are taken from ``batches`` before the first receipt. Raises what
    the first that fails raises; those behind it may have been accepted all the same, and are told so when
    they are sent again.
    """
    waiting: deque[tuple[Batch, Future[Receipt]]] = deque()
    with ThreadPoolExecutor(ahead, thread_name_prefix="submit") as pool:
        try:
            for batch in batches:
                # The caller's context has the deadline of the call that it is part of.
                waiting.append((batch, pool.submit(copy_context().run, submit, batch)))
                if len(waiting) == ahead:
                    yield _receipt_of(submit, *waiting.popleft())
            while waiting:
                yield _receipt_of(submit, *waiting.popleft())
        finally:
            for _, future in waiting:
                future.cancel()


def _receipt_of(
    submit: Callable[[Batch], Receipt], batch: Batch, future: Future[Receipt]
) -> Receipt:
    try:
        return future.result()
    except ServiceError as error:
        if error.reason != "SEQUENCE":
            raise
    # It overtook the one before it, which has a receipt by now.
    return submit(batch)
