"""Units that submit all tokens on both sides at once, each unit its share, in rounds that begin together.

::

    Crowd(submissions, tokens(1000), range(4), of=4).run()  # 4 units of each side, as threads
    python -m tests.matcher_crowd URL 1000 4 0 1            # units 0 and 1 of the 4, in a process of its own
                                                            # that says "ready", begins at a line on stdin
"""

from __future__ import annotations

import hashlib
import random
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from libmatch.auditlog import LogSigner
from libmatch.records import Side
from libmatch.suites import get_suite
from services.chassis.db import Database
from services.matcher.store.submissions import Quota, Submissions
from tests.district import NOW
from tests.matcher_bench import fake_batch

EPOCH = bytes(32)
ROWS = 50  # of a batch
_QUOTA = Quota(records_per_day=10**9, hits_per_batch=10**6)


def tokens(count: int) -> list[bytes]:
    return [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(count)]


class Crowd:
    """``units`` of ``of`` units on each side; unit i has every ``of``-th token, from the i-th on.

    ``before``: what happens when all have ended a round and none begins the next.
    """

    def __init__(
        self,
        submissions: Submissions,
        tokens: Sequence[bytes],
        units: Sequence[int],
        of: int,
        before: Callable[[], None] | None = None,
    ) -> None:
        self._submissions = submissions
        self._round = threading.Barrier(2 * len(units), before)
        self._shares: dict[tuple[Side, str], list[Sequence[bytes]]] = {}
        for side in Side:
            # The same order on both sides: what belongs together arrives in the same round.
            for unit in units:
                share = tokens[unit::of]
                self._shares[side, f"unit-{unit}"] = [
                    share[start : start + ROWS] for start in range(0, len(share), ROWS)
                ]

    def run(self) -> None:
        """Returns when everything was accepted."""
        with ThreadPoolExecutor(len(self._shares)) as pool:
            for done in [pool.submit(self._submit, *who) for who in self._shares]:
                done.result()

    def _submit(self, side: Side, unit: str) -> None:
        for seq, tokens in enumerate(self._shares[side, unit], 1):
            shuffled = random.sample(tokens, len(tokens))
            batch = fake_batch(EPOCH, side, unit, seq, shuffled).admitted
            self._round.wait(timeout=60)
            self._submissions.admit(get_suite(1), batch, _QUOTA, NOW)


def main(argv: Sequence[str]) -> None:
    """See the module's docstring."""
    url, count, of, first, last = argv[0], *map(int, argv[1:])
    with closing(Database(url)) as database:
        units = range(first, last + 1)
        crowd = Crowd(Submissions(database, LogSigner(bytes(32))), tokens(count), units, of)
        print("ready", flush=True)
        sys.stdin.readline()
        crowd.run()


if __name__ == "__main__":
    main(sys.argv[1:])
