"""All that calls a matcher at once until it is killed, each caller a thread."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from libmatch.records import RID_SIZE, Batch, Side, cut
from services.chassis.db import DatabaseError
from tests.crash_story import Seen, Sent, Story, Stream
from tests.crash_work import Work

_AGAIN = 0.25  # of the submissions are repetitions
_ERASED = 0.1  # of the lives erase traces


class Crowd:
    """The units of ``story``, 纪委 and the operator, over ``work``; each begins where ``seen`` ends."""

    def __init__(self, work: Work, story: Story, seen: Seen, seed: str) -> None:
        self._work, self._story, self._seed = work, story, seed
        self._reached = seen.reached()
        self._failure: BaseException | None = None
        self._over = threading.Event()

    def serve(self) -> None:
        """Until the process is killed. Raises what a caller met with that it must not."""
        for number, call in enumerate(self._callers()):
            rng = random.Random(f"{self._seed}/{number}")
            threading.Thread(target=self._call, args=(call, rng), daemon=True).start()
        self._over.wait()
        if self._failure:
            raise self._failure

    def _callers(self) -> list[Callable[[random.Random], None]]:
        streams = [self._submitter(stream) for stream in self._story.streams]
        return [*streams, self._upload, self._ask, self._work.notify, self._head, self._erase]

    def _call(self, call: Callable[[random.Random], None], rng: random.Random) -> None:
        try:
            while True:
                call(rng)
        except BaseException as error:  # noqa: BLE001  # raised in the main thread
            self._failure = error
            self._over.set()

    def _submitter(self, stream: Stream) -> Callable[[random.Random], None]:
        sent, number = self._story.streams[stream], self._reached[stream]

        def submit(rng: random.Random) -> None:
            nonlocal number
            if number and rng.random() < _AGAIN:
                self._work.submit(sent[rng.randrange(number)])
            elif number < len(sent):
                self._work.submit(sent[number])
                number += 1
            else:
                time.sleep(0.005)

        return submit

    def _batches(self, stream: Stream) -> list[Sent]:
        return [one for one in self._story.streams[stream] if isinstance(one.what, Batch)]

    def _upload(self, rng: random.Random) -> None:
        """An upload that is never finished, of a batch that came or one that may come next."""
        stream = rng.choice(list(self._story.streams))
        may_begin = self._batches(stream)
        reached = [one for one in may_begin if _seq(one) <= self._reached[stream] + 1]
        if reached:
            self._work.begin_upload(rng.choice(reached))
        time.sleep(0.01)

    def _ask(self, rng: random.Random) -> None:
        stream = rng.choice([one for one in self._story.streams if one.side is Side.BENEFICIARY])
        batch = rng.choice(self._batches(stream)).what
        assert isinstance(batch, Batch)
        self._work.ask_gate(stream.unit, rng.sample(cut(batch.columns.rid, RID_SIZE), 3))

    def _head(self, _: random.Random) -> None:
        self._work.read_head()
        time.sleep(0.002)

    def _erase(self, rng: random.Random) -> None:
        if rng.random() < _ERASED:
            time.sleep(rng.uniform(0, 0.1))
            with suppress(DatabaseError):  # somebody reads the journal
                self._work.database.erase_traces()
        time.sleep(60)


def _seq(sent: Sent) -> int:
    assert isinstance(sent.what, Batch)
    return sent.what.header.seq
