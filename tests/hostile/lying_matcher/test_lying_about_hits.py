"""A matcher that lies to 纪委 about hits: each lie is found, it is named as answerable, and the rest goes on.

Threat model, row 9. The matcher is the real one with its answers changed on the way (``Wire.alter``), or
its database changed under it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from libmatch.auditlog import (
    encode_hit_leaf,
)
from libmatch.encoding import dec
from libmatch.errors import ServiceError
from libmatch.notices import hit_id
from libmatch.records import Hit, RecordRef, Side
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from services.inspector.states import DisputeKind
from services.matcher.rpc.messages import flagged_to_pb
from services.matcher.store.ledger import append_entries
from tests.district import person
from tests.hostile.lying_matcher.blamed import MATCHER, blamed
from tests.inspector_bench import InspectorBench, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


def ids(bench: InspectorBench) -> list[bytes]:
    return [hit.hit_id for hit in bench.matcher.use.reviews.list_hits(0, 100)]


def spoil_first(bench: InspectorBench, spoil: Callable[[pb.FetchHitResponse], None]) -> None:
    """Change the answer about the first hit alone."""
    first = ids(bench)[0]

    def change(asked: pb.FetchHitRequest, answer: pb.FetchHitResponse) -> pb.FetchHitResponse:
        if asked.hit_id == first:
            spoil(answer)
        return answer

    bench.wire.alter("FetchHit", change)


def _flip(record: core_pb2.FlaggedRecord, name: str) -> None:
    value = bytearray(getattr(record.row, name))
    value[0] ^= 1
    setattr(record.row, name, bytes(value))


def _swap(answer: pb.FetchHitResponse) -> None:
    registry = core_pb2.FlaggedRecord()
    registry.CopyFrom(answer.registry)
    answer.registry.CopyFrom(answer.beneficiary)
    answer.beneficiary.CopyFrom(registry)


def _swap_halves(answer: pb.FetchHitResponse) -> None:
    a, b = answer.registry.row, answer.beneficiary.row
    a.half, b.half = b.half, a.half


@pytest.mark.parametrize(
    "spoil",
    [
        *(
            pytest.param(lambda a, n=name: _flip(a.registry, n), id=name)
            for name in ("rid", "c_reg", "c_ben", "half", "com", "ct")
        ),
        pytest.param(_swap, id="swapped sides"),
        pytest.param(_swap_halves, id="swapped halves"),
        pytest.param(lambda a: setattr(a.registry, "position", 2048), id="position"),
        pytest.param(lambda a: setattr(a.registry.head, "unit", "reg-b"), id="another unit"),
        pytest.param(lambda a: setattr(a.registry.head, "unit", "nobody"), id="unknown unit"),
        pytest.param(lambda a: setattr(a.registry.head, "seq", 9), id="another batch"),
        pytest.param(lambda a: setattr(a.registry.head, "capsule", b"\1" * 1168), id="capsule"),
        pytest.param(lambda a: setattr(a.beneficiary.head, "epoch", b"\1" * 32), id="epoch"),
    ],
)
def test_an_altered_row_blames_the_matcher_and_the_others_open(
    bench: InspectorBench, spoil: Callable[[pb.FetchHitResponse], None]
) -> None:
    spoil_first(bench, spoil)
    done = bench.pull()
    assert (done.opened.hits, done.disputes) == (2, 1)
    assert blamed(bench) == [(DisputeKind.ROW, MATCHER)]
    assert len(bench.mailbox("ben-a", BEN)) == 2
    assert all(case.content.relative.name for case in bench.cases())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: setattr(a.registry.row, "com", b""),
        lambda a: setattr(a.registry.head, "unit", "../../etc"),
        lambda a: setattr(a.beneficiary.head, "count", 0),
        lambda a: a.beneficiary.path.append(b"short"),
        lambda a: a.ClearField("registry"),
    ],
)
def test_an_answer_without_form_blames_the_matcher(
    bench: InspectorBench, spoil: Callable[[pb.FetchHitResponse], None]
) -> None:
    spoil_first(bench, spoil)
    assert bench.pull().opened.hits == 2
    assert blamed(bench) == [(DisputeKind.MALFORMED, MATCHER)]


def test_another_hits_rows_blame_the_matcher(bench: InspectorBench) -> None:
    """The rows of another hit open together; but this hit's id is not theirs."""
    first, second, _ = ids(bench)

    def other(asked: pb.FetchHitRequest, answer: pb.FetchHitResponse) -> pb.FetchHitResponse:
        if asked.hit_id != first:
            return answer
        _, pair = bench.matcher.use.reviews.fetch_pair(second)
        answer.registry.CopyFrom(flagged_to_pb(pair.registry))
        answer.beneficiary.CopyFrom(flagged_to_pb(pair.beneficiary))
        return answer

    bench.wire.alter("FetchHit", other)
    assert bench.pull().opened.hits == 2
    assert blamed(bench) == [(DisputeKind.ROW, MATCHER)]


def _invent(bench: InspectorBench) -> bytes:
    """A hit of two records with different tokens, in the matcher's tables but not in its log."""
    district, path = bench.district, bench.matcher.path
    with sqlite3.connect(path) as db:
        (a, rid_a), (b, rid_b) = (
            db.execute(
                "SELECT id, rid FROM record WHERE side = ? AND id NOT IN"
                f" (SELECT {side}_record FROM hit) LIMIT 1",
                (number,),
            ).fetchone()
            for side, number in (("registry", 1), ("beneficiary", 2))
        )
        refs = Hit(RecordRef(REG, "reg-b", rid_a), RecordRef(BEN, "ben-a", rid_b))
        one = hit_id(district.suite, district.manifest.epoch_id, refs)
        number, size = db.execute("SELECT max(number) + 1, max(leaf_index) + 1 FROM hit").fetchone()
        row = (number, one, a, b, 1, size - 1, True)
        db.execute("INSERT INTO hit VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    db.close()
    return one


@pytest.fixture
def unflagged(bench: InspectorBench) -> InspectorBench:
    """Beside the three hits, an unflagged record of each side."""
    bench.submit("reg-b", REG, [relative(person(50))])
    bench.submit("ben-a", BEN, [item(person(60))])
    return bench


# --- invented hits --------------------------------------------------------------------------------


def test_an_invented_hit_is_not_in_the_log_and_is_never_fetched(unflagged: InspectorBench) -> None:
    invented = _invent(unflagged)
    fetched: list[bytes] = []
    unflagged.wire.alter("FetchHit", lambda q, a: (fetched.append(q.hit_id), a)[1])  # type: ignore[func-returns-value]
    assert unflagged.pull().opened.hits == 3
    assert blamed(unflagged) == [(DisputeKind.NOT_LOGGED, MATCHER)]
    assert invented not in fetched


def test_a_hit_that_the_matcher_invented_and_logged_does_not_open(
    unflagged: InspectorBench,
) -> None:
    """A matcher that goes all the way leaves the proof of it in its own log."""
    invented = _invent(unflagged)
    use = unflagged.matcher

    def log_it(session: Any) -> None:
        leaf = append_entries(session, [encode_hit_leaf(invented, 1)])
        session.connection().exec_driver_sql(
            "UPDATE hit SET leaf_index = ? WHERE hit_id = ?", (leaf, invented)
        )

    use.database.run_tx("lie", log_it)
    assert unflagged.pull().opened.hits == 3
    (dispute,) = unflagged.disputes()
    assert (dispute.kind, dispute.answerable) == (DisputeKind.ROW, MATCHER)
    assert len(dec("evidence-pair", dispute.evidence)) == 2
    assert len(unflagged.cases()) == 3


# --- hidden hits and rewritten lists --------------------------------------------------------------


def test_a_hidden_hit_is_a_gap(bench: InspectorBench) -> None:
    def hide(_: object, page: pb.ListHitsResponse) -> pb.ListHitsResponse:
        kept = [hit for hit in page.hits if hit.number != 2]
        return pb.ListHitsResponse(hits=kept)

    bench.wire.alter("ListHits", hide)
    assert bench.pull().opened.hits == 2
    (dispute,) = bench.disputes()
    assert (dispute.kind, dispute.answerable, dispute.detail) == (DisputeKind.GAP, MATCHER, "2")
    assert bench.pull().disputes == 0


def test_a_hit_without_form_is_a_gap(bench: InspectorBench) -> None:
    def shorten(_: object, page: pb.ListHitsResponse) -> pb.ListHitsResponse:
        for hit in page.hits:
            if hit.number == 2:
                hit.hit_id = b"short"
        return page

    bench.wire.alter("ListHits", shorten)
    assert bench.pull().opened.hits == 2
    assert blamed(bench) == [(DisputeKind.GAP, MATCHER)]


def test_a_list_out_of_order_blames_the_matcher_and_ends(bench: InspectorBench) -> None:
    def turn(_: object, page: pb.ListHitsResponse) -> pb.ListHitsResponse:
        return pb.ListHitsResponse(hits=reversed(page.hits))

    bench.wire.alter("ListHits", turn)
    bench.pull()
    assert blamed(bench) == [(DisputeKind.LISTING, MATCHER)]


def test_a_hit_that_vanishes_after_it_was_seen_is_a_contradiction(bench: InspectorBench) -> None:
    bench.pull()
    with sqlite3.connect(bench.matcher.path) as db:
        db.execute("DELETE FROM hit WHERE number = 3")
    db.close()
    bench.submit("reg-b", REG, [relative(person(99))])  # the log grows: the list is read again
    bench.pull()
    assert blamed(bench) == [(DisputeKind.CONTRADICTION, MATCHER)]
    assert len(bench.cases()) == 3


def test_a_hit_that_is_said_to_be_withdrawn_but_listed_is_withheld(bench: InspectorBench) -> None:
    first = ids(bench)[0]
    gone = ServiceError("FAILED_PRECONDITION", "WRONG_STATE", "withdrawn", "")
    bench.wire.fail("FetchHit", lambda asked: gone if asked.hit_id == first else None)
    assert bench.pull().opened.hits == 2
    assert blamed(bench) == [(DisputeKind.WITHHELD, MATCHER)]


def test_a_matcher_that_does_not_know_its_own_hit_is_blamed(bench: InspectorBench) -> None:
    unknown = ServiceError("NOT_FOUND", "NOT_FOUND", "no such pair", "")
    first = ids(bench)[0]
    bench.wire.fail("FetchHit", lambda asked: unknown if asked.hit_id == first else None)
    assert bench.pull().opened.hits == 2
    assert blamed(bench) == [(DisputeKind.WITHHELD, MATCHER)]
