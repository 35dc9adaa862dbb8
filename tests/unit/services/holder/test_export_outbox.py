"""The outbox as files: all that has no receipt, byte for byte, without a gap, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from sqlmodel import Session

from libmatch.batch import admit_batch
from libmatch.batch_files import FileHead, Message, read_head, read_messages
from libmatch.errors import EpochError
from libmatch.prepare import Payload
from libmatch.records import Batch, Side
from services.chassis.audit import entries
from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest
from services.holder.export_outbox import FILE_BYTES, ExportOutbox
from services.holder.seal_pending import SealPending
from services.holder.store.outbox import Outbox
from services.holder.store.unsent import Unsent
from tests.district import District, person, relative_payload
from tests.matcher_in_memory import MemoryMatcher
from tests.unit.services.holder.bench import UNIT, Bench, Half, make_material

CLERK = Identity("fuling", "clerk", UNIT, "li")


def exporter(bench: Bench, half: Half, file_bytes: int = FILE_BYTES) -> ExportOutbox:
    material, epoch_id = make_material(bench.district), bench.district.manifest.epoch_id
    seal = SealPending(Outbox(half.database, epoch_id), material, load, half.now)
    return ExportOutbox(Unsent(half.database, epoch_id), seal, half.now, file_bytes)


def load(session: Session, subjects: Sequence[bytes]) -> list[Payload]:
    del session
    return [relative_payload(person(int.from_bytes(subject, "big"))) for subject in subjects]


def export_all(export: ExportOutbox, district: District) -> list[tuple[FileHead, list[Message]]]:
    files, after = [], 0
    while found := export.run(CLERK, after):
        head, data = found
        file = io.BytesIO(data)
        assert read_head(file) == head
        files.append((head, list(read_messages(file, head, district.manifest.bucket))))
        after = head.last
    return files


def digest(batch: Batch, district: District) -> bytes:
    member = district.roster.find(UNIT)
    return admit_batch(district.manifest, member, batch).digest


def bodies(half: Half) -> list[bytes]:
    return [row.body for row in half.rows("SELECT body FROM outbox ORDER BY seq")]


def test_what_was_entered_is_sealed_and_handed_out_as_it_will_be_sent(
    bench: Bench, matcher: MemoryMatcher
) -> None:
    half = bench.start()
    half.enter(*range(1, 2050))
    ((head, messages),) = export_all(exporter(bench, half), bench.district)
    assert head == FileHead(bench.district.manifest.epoch_id, Side.REGISTRY, UNIT, 1, 2)
    assert [message.encode() for message in messages] == bodies(half)
    assert half.sync.run().sent.records == 2049  # the outbox was not changed by it
    sent = {key: receipt.digest for key, receipt in matcher.receipts.items()}
    batches = [message for message in messages if isinstance(message, Batch)]
    assert sent == {(UNIT, b.header.side, b.header.seq): digest(b, bench.district) for b in batches}


def test_withdrawals_have_their_place_between_batches(bench: Bench) -> None:
    bench.cut_off()
    half = bench.start()
    half.enter(1, 2)
    half.sync.run()
    half.retire(1)
    half.sync.run()
    half.enter(3)
    ((head, messages),) = export_all(exporter(bench, half), bench.district)
    assert head.count == 3
    assert [isinstance(message, Batch) for message in messages] == [True, False, True]


def test_what_has_a_receipt_is_not_handed_out(bench: Bench) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    assert export_all(exporter(bench, half), bench.district) == []
    half.enter(2)
    ((head, _),) = export_all(exporter(bench, half), bench.district)
    assert (head.first, head.count) == (2, 1)


def test_a_large_outbox_is_cut_into_files_that_follow_each_other(bench: Bench) -> None:
    bench.cut_off()
    half = bench.start()
    for number in range(1, 6):
        half.enter(number)
        half.sync.run()
    size = len(bodies(half)[0])
    files = export_all(exporter(bench, half, file_bytes=2 * size), bench.district)
    assert [(head.first, head.last) for head, _ in files] == [(1, 2), (3, 4), (5, 5)]
    alone = export_all(exporter(bench, half, file_bytes=1), bench.district)
    assert [head.count for head, _ in alone] == [1] * 5


def test_the_trail_says_who_took_files_away(bench: Bench) -> None:
    half = bench.start()
    half.enter(1)
    export_all(exporter(bench, half), bench.district)
    last = half.database.read(lambda session: list(entries(session)))[-1]
    assert (last.actor, last.action, last.subject) == (str(CLERK), "export-outbox", "behind 0")


def test_nothing_is_sealed_outside_the_epoch(bench: Bench) -> None:
    half = bench.start()
    half.enter(1)
    half.now = lambda: bench.district.manifest.not_after
    with pytest.raises(EpochError):
        exporter(bench, half).run(CLERK, 0)
    with pytest.raises(InvalidRequest):
        exporter(bench, half).run(CLERK, 1 << 63)
