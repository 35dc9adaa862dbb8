"""A matcher at work while the power may fail at any moment: images of the disk, each judged.

::

    scene = Scene(tmp_path, seed)
    scene.play(lives=2, steps=20)                 # start, work, stop, again
    scene.faults, scene.judged, scene.camera.taken

An image is what would survive on the disk (``tests.disks``); it is opened as a starting service opens it and
judged (``tests.judge_store``) against what had been answered when it was taken.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from libmatch.records import RID_SIZE, Batch, cut
from services.chassis.db import Database
from tests.crash_story import Fact, Seen, Sent, Story, Stream, story_district
from tests.crash_work import Work
from tests.disks import Disk, Survival
from tests.judge_store import Fault, judge_file
from tests.sqlite_vfs import OK, Watcher, watched

_CONTINUED = 10  # every so many images the service goes on working on one
NAME = "matcher.db"


@dataclass(frozen=True)
class Image:
    """The files that survived, and what had been answered by then."""

    folder: Path
    survival: Survival
    seen: Seen


class Camera(Disk, Watcher):
    """A disk that takes images of itself: before and after each sync, and at some of the writes."""

    def __init__(self, folder: Path, rng: random.Random, seen: Seen, share: float) -> None:
        super().__init__()
        self._folder, self._rng, self._seen, self._share = folder, rng, seen, share
        self._images: list[Image] = []
        self.taken: Counter[Survival] = Counter()

    def before(self, call: str, name: str) -> int:
        if call == "xSync" or (call == "xWrite" and self._rng.random() < self._share):
            self.take()
        return OK

    def synced(self, name: str) -> None:
        super().synced(name)
        self.take()

    def take(self) -> None:
        """One more image, of what survives if the power fails now."""
        survival = self._rng.choice(list(Survival))
        folder = self._folder / str(self.taken.total())
        folder.mkdir(parents=True)
        self.write_image(folder, survival, self._rng)
        if self._rng.random() < 0.5 and (folder / NAME).exists():
            self._leave_rubbish(folder / f"{NAME}-shm")
        self.taken[survival] += 1
        self._images.append(Image(folder, survival, self._seen.copy()))

    def _leave_rubbish(self, path: Path) -> None:
        # The journal's index is memory shared through a file and never synced: it may hold anything.
        path.touch(mode=0o600)
        path.write_bytes(self._rng.randbytes(32 * 1024))

    def develop(self) -> list[Image]:
        """The images since the last time."""
        images, self._images = self._images, []
        return images


class Scene:
    """One district and its matcher's disk; ``prepare`` changes the settings of each life's database."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        prepare: Callable[[Database], None] = lambda _: None,
        share: float = 0.01,
    ) -> None:
        self.rng, self.seen, self.faults = random.Random(seed), Seen(), list[Fault]()
        self.story = Story(story_district(), self.rng)
        self.camera = Camera(folder / "images", self.rng, self.seen, share)
        self.judged = 0
        self.continued = 0
        self._prepare, self._kit, self._data = prepare, folder / "kit", folder / "data"
        self._data.mkdir()
        self.story.district.write_epoch(self._kit)
        self._lives = 0

    def play(self, *, lives: int, steps: int, last: Callable[[Work], None] | None = None) -> None:
        """So many starts and, after each, so many steps; ``last`` happens before each stop."""
        with watched(self._data, self.camera):
            for _ in range(lives):
                with self._open(self._data, self.seen) as work:
                    self._prepare(work.database)
                    self._judge_images()
                    for _ in range(steps):
                        self._step(work)
                        self.camera.take()  # just after the answer
                        self._judge_images()
                    if last is not None:
                        last(work)
                        self.camera.take()
                self._judge_images()

    def _open(self, folder: Path, seen: Seen) -> Work:
        self._lives += 1
        moment = self.story.district.now + timedelta(seconds=self._lives)

        def tell(fact: Fact) -> None:
            seen.note(*fact)

        url = f"sqlite:///{folder / NAME}"
        return Work(url, self._kit, self.story.district, moment, tell)

    def _step(self, work: Work) -> None:
        stream = self.rng.choice(list(self.story.streams))
        match self.rng.randrange(10):
            case 0:
                work.notify(self.rng)
            case 1:
                self._ask(work, stream)
            case 2:
                work.read_head()
            case 3:
                self._submit(work, stream, again=True)
            case 4:
                self._submit_together(work)
            case _:
                self._submit(work, stream)

    def _submit(self, work: Work, stream: Stream, *, again: bool = False) -> None:
        reached = self.seen.reached()
        self.story.extend(1, reached)
        number = self.rng.randint(0, reached[stream]) if again else reached[stream]
        work.submit(self.story.streams[stream][number])

    def _submit_together(self, work: Work) -> None:
        """The next of each stream at the same moment: those that wait share a transaction."""
        reached = self.seen.reached()
        self.story.extend(1, reached)
        due = [sent[reached[stream]] for stream, sent in self.story.streams.items()]
        with ThreadPoolExecutor(len(due)) as pool:
            for _ in pool.map(work.submit, due):
                pass

    def _ask(self, work: Work, stream: Stream) -> None:
        first = self.story.streams[stream][:1]
        batches = [one.what for one in first if isinstance(one.what, Batch)]
        rids = [rid for batch in batches for rid in cut(batch.columns.rid, RID_SIZE)]
        work.ask_gate(stream.unit, rids or [bytes(RID_SIZE)])

    def _judge_images(self) -> None:
        for image in self.camera.develop():
            found = judge_file(image.folder / NAME, self.story, image.seen)
            self.judged += 1
            if not found and self.judged % _CONTINUED == 0:
                found = self._continue(image)
            self.faults += found
            shutil.rmtree(image.folder)

    def _continue(self, image: Image) -> list[Fault]:
        """The service goes on after the power failure: the units send again all that they ever sent."""
        self.continued += 1
        with self._open(image.folder, image.seen) as work:
            for sent in _by_number(self.story):
                work.submit(sent)
        return judge_file(image.folder / NAME, self.story, image.seen)


def _by_number(story: Story) -> list[Sent]:
    return [sent for stream in story.streams.values() for sent in stream]
