"""The load of a history from files, beside the same batches one by one into the store, as the wire does it.

Both read the files, check every signature and hash, find the hits, and end synced on SQLite. The reference is
the wire's store alone, without its network: over mTLS it costs more (``uploading``). Sealed rows are random
bytes under a real signature; both sides have half of the records, 1 in 100 with a partner.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measuring import Measure, NotMeasured, compare, time_fastest
from libmatch.accel.rows import Rows, get_rows
from libmatch.batch import admit_batch, compute_batch_root, signed_bytes
from libmatch.batch_files import SUFFIX, pack_file, read_head, read_messages
from libmatch.records import (
    CAPSULE_SIZE,
    MAX_ROWS,
    RID_SIZE,
    WORD,
    Batch,
    BatchHeader,
    Columns,
    Side,
)
from libmatch.suites import AEAD_TAG_SIZE
from services.matcher.load_history import LoadHistory
from services.matcher.store.history import History
from services.matcher.store.submissions import Quota
from tests.district import District, make_district
from tests.matcher_bench import MATCHER, Bench

_FOLDER = Path("build/bench/loading")
_BYTES_A_ROW = 3_500  # files, database and journal
_MEASURED_ALONE = 1_000_000  # beyond, the reference's rate at this size stands for it
_IN_A_FILE = 47
_COMMON = MAX_ROWS // 100
_UNITS = {Side.BENEFICIARY: "ben-a", Side.REGISTRY: "reg-a"}
_QUOTA = Quota(records_per_day=1 << 40, hits_per_batch=200_000)


def measure(sizes: tuple[int, ...]) -> Iterator[Measure | NotMeasured]:
    """One measure for each size from 100,000 on: records of both sides together."""
    district, rows, per_row = make_district(), get_rows(1), 0.0
    for size in (size for size in sizes if size >= 100_000):
        shutil.rmtree(_FOLDER, ignore_errors=True)
        _FOLDER.mkdir(parents=True, mode=0o700)
        if shutil.disk_usage(_FOLDER).free < size * _BYTES_A_ROW:
            yield NotMeasured("load a history", size, "too little room on the disk")
            continue
        try:
            count = _write_files(district, rows, size)
            ours = time_fastest(partial(_load, district), 1)
            if size <= _MEASURED_ALONE:
                wire = time_fastest(partial(_send, district, rows), 1)
                per_row = wire.cpu_seconds / count
            reference = "batch by batch into the store"
            yield compare("load a history", count, ours, reference, per_row, "faster than the wire")
        finally:
            shutil.rmtree(_FOLDER, ignore_errors=True)


def _write_files(district: District, rows: Rows, size: int) -> int:
    """How many records were written, in whole batches."""
    (_FOLDER / "files").mkdir()
    batches = size // 2 // MAX_ROWS
    for side, unit in _UNITS.items():
        rng, bodies = np.random.default_rng(), list[bytes]()
        for seq in range(1, batches + 1):
            bodies.append(_make_batch(district, rows, rng, side, unit, seq).encode())
            if len(bodies) == _IN_A_FILE or seq == batches:
                head, data = pack_file(bodies)
                (_FOLDER / "files" / head.file_name).write_bytes(data)
                bodies.clear()
    return 2 * batches * MAX_ROWS


def _make_batch(
    district: District, rows: Rows, rng: np.random.Generator, side: Side, unit: str, seq: int
) -> Batch:
    common = np.random.default_rng(seq)  # the same for both sides
    c_reg, c_ben = (
        common.bytes(WORD * _COMMON) + rng.bytes(WORD * (MAX_ROWS - _COMMON)) for _ in range(2)
    )
    half, com = rng.bytes(WORD * MAX_ROWS), rng.bytes(WORD * MAX_ROWS)
    ct = rng.bytes((district.manifest.bucket + AEAD_TAG_SIZE) * MAX_ROWS)
    columns = Columns(rng.bytes(RID_SIZE * MAX_ROWS), c_reg, c_ben, half, com, ct)
    header = BatchHeader(district.manifest.epoch_id, side, unit, seq, MAX_ROWS)
    capsule = os.urandom(CAPSULE_SIZE)
    root = compute_batch_root(district.suite, header, columns, rows)
    message = signed_bytes(district.suite, header, capsule, root)
    return Batch(header, capsule, district.keys(unit).signing.sign(message), columns)


def _load(district: District) -> None:
    with _open(district) as bench:
        history = History(bench.database, district.log_signer)
        load = LoadHistory(history, bench.use.epochs, _QUOTA.hits_per_batch, MATCHER, bench.clock)
        assert load.run(_FOLDER / "files", bench.folder).hits


def _send(district: District, rows: Rows) -> None:
    with _open(district) as bench:
        for path in sorted((_FOLDER / "files").glob(f"*{SUFFIX}")):
            with path.open("rb") as file:
                head = read_head(file)
                member = district.roster.find(head.unit)
                for message in read_messages(file, head, district.manifest.bucket):
                    assert isinstance(message, Batch)
                    admitted = admit_batch(district.manifest, member, message, rows)
                    bench.submissions.admit(district.suite, admitted, _QUOTA, bench.clock())


def _open(district: District) -> Bench:
    """A bench over an empty store."""
    folder = _FOLDER / "matcher"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return Bench(folder, district)
