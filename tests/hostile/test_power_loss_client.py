"""The power fails while a client writes its state file: each step is whole, and kept once it is done.

That file has a rollback journal. The same with ``synchronous=FULL`` instead of EXTRA must lose: a journal
ends by being deleted, and a deleted name comes back where the folder was not synced.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

from libmatch.client.state import Form, Request, State, StoredRecord
from libmatch.errors import StateError
from libmatch.records import Receipt, Side
from tests.crash_story import Seen
from tests.power import Camera
from tests.sqlite_vfs import watched

EPOCH, SIDE, NAME = bytes(32), Side.REGISTRY, "client.state"


class LessSynced(State):
    """A state file whose journal's end does not reach the disk at once."""

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def rid_of(seq: int) -> bytes:
    return seq.to_bytes(16, "big")


def submit(state: State, seq: int) -> None:
    """As the client does: a request with its records, at once."""
    with state.transaction() as tx:
        tx.add_request(EPOCH, Request(SIDE, seq, Form.BATCH, bytes(32), bytes(3000) + rid_of(seq)))
        tx.add_records(EPOCH, SIDE, [StoredRecord(rid_of(seq), f"R-{seq}", bytes(32), bytes(32))])


def keep_receipt(state: State, seq: int) -> None:
    with state.transaction() as tx:
        tx.keep_receipt(Receipt(EPOCH, SIDE, "reg-a", seq, bytes(32), seq, seq, bytes(64)))


def play(state_type: type[State], folder: Path, rounds: int) -> list[str]:
    """What images of the disk lack of what had been kept when they were taken."""
    seen, data = Seen(), folder / "data"
    data.mkdir()
    camera, faults = Camera(folder / "images", random.Random(7), seen, share=0.2), list[str]()
    with watched(data, camera):
        state = state_type(data / NAME)
        for seq in range(1, rounds + 1):
            for kind, act in (("request", submit), ("receipt", keep_receipt)):
                act(state, seq)
                seen.note(kind, str(seq), "kept")
                camera.take()
            for image in camera.develop():
                faults += find_faults(image.folder / NAME, image.seen)
                shutil.rmtree(image.folder)
    assert camera.taken.total() > 10 * rounds
    print(f"{camera.taken.total()} images, {len(faults)} faults")
    return faults


def find_faults(path: Path, seen: Seen) -> list[str]:
    try:
        with State(path).transaction() as tx:
            requests = range(1, tx.next_seq(EPOCH, SIDE))
            receipts = {receipt.seq for _, receipt in tx.unproved(EPOCH)}
            records = [tx.find_record(EPOCH, rid_of(seq)) for seq in requests]
    except StateError as error:
        return [str(error)]
    faults = [f"request {seq}" for seq in seen.of("request") if int(seq) not in requests]
    faults += [f"receipt {seq}" for seq in seen.of("receipt") if int(seq) not in receipts]
    return faults + [f"records of {n}" for n, record in enumerate(records, 1) if record is None]


def test_what_a_client_kept_survives_at_every_moment(tmp_path: Path) -> None:
    assert play(State, tmp_path, rounds=15) == []


def test_the_same_with_less_syncing_loses(tmp_path: Path) -> None:
    faults = play(LessSynced, tmp_path, rounds=15)
    assert faults
    assert all(fault.startswith(("request", "receipt")) for fault in faults), faults
