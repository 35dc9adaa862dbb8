"""Units that cheat: what they sealed does not open, or is about somebody else. They are named, others open.

Threat model, row 10. The units sign what they submit, so the evidence that 纪委 keeps proves it to others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from libmatch.batch import hash_rows, signed_bytes
from libmatch.encoding import dec
from libmatch.identifiers import Identifier
from libmatch.keys import seal_to
from libmatch.merkle import compute_root
from libmatch.notices import OfficialNotice
from libmatch.payloads import NAME_CAP
from libmatch.records import Batch, Columns, Side
from libmatch.seal import seal_batch
from libmatch.suites import verify_signature
from libmatch.tokens import HalvesColumn, derive_halves
from services.inspector.states import DisputeKind, ReleasePolicy
from tests.district import District, make_district, person
from tests.inspector_bench import InspectorBench, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
WHO, OTHER = person(1), person(2)


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=("reg-a", "reg-b"), beneficiary=("ben-a", "ben-b"))


@pytest.fixture
def bench(tmp_path: Path, district: District) -> Iterator[InspectorBench]:
    """An honest hit between reg-b and ben-b, which must open whatever the others do."""
    with InspectorBench(tmp_path, district, ReleasePolicy.IMMEDIATE) as bench:
        bench.submit("reg-b", REG, [relative(person(9))])
        bench.submit("ben-b", BEN, [item(person(9))])
        yield bench


def accept(bench: InspectorBench, unit: str, batch: Batch) -> None:
    bench.matcher.use.intake.accept(unit, batch)


def sign(bench: InspectorBench, batch: Batch, columns: Columns, capsule: bytes) -> Batch:
    """The unit itself signs other columns or another capsule."""
    suite, header = bench.district.suite, batch.header
    root = compute_root(suite.h, hash_rows(suite, header, columns))
    message = signed_bytes(suite, header, capsule, root)
    signature = bench.district.keys(header.unit).signing.sign(message)
    return Batch(header, capsule, signature, columns)


def seal(bench: InspectorBench, unit: str, side: Side, who: Identifier, payload: bytes) -> Batch:
    """A batch of one record: ``payload`` under the token of ``who``."""
    district, holder = bench.district, bench.district.holder(unit)
    halves = derive_halves(district.suite, holder.key, who.kind, who.idn)
    seq = bench.matcher.next_seq(unit, side)
    key = holder.signing_key
    return seal_batch(
        district.manifest, side, unit, seq, HalvesColumn.of_rows([halves]), [payload], key
    ).batch


def test_a_bad_capsule_is_found_before_a_hit_and_keeps_the_gate_shut(bench: InspectorBench) -> None:
    (sealed,) = bench.district.holder("reg-a").prepare(REG, [relative(WHO)], 1)
    wrong = seal_to(bench.district.inspector.hpke.public_key, os.urandom(32), b"another batch")
    accept(bench, "reg-a", sign(bench, sealed.batch, sealed.batch.columns, wrong))
    done = bench.pull()
    assert (done.tested.batches, done.tested.bad, done.opened.hits) == (3, 1, 1)
    (dispute,) = bench.disputes()
    assert (dispute.kind, dispute.answerable) == (DisputeKind.CAPSULE, ("reg-a",))
    assert "reg-a申报第1批" in dispute.what_zh
    states = bench.matcher.use.review.count()
    assert states.units["reg-a", REG].bad_capsules == 1


def test_the_evidence_against_a_unit_is_what_it_signed(bench: InspectorBench) -> None:
    (sealed,) = bench.district.holder("reg-a").prepare(REG, [relative(WHO)], 1)
    batch = sign(bench, sealed.batch, sealed.batch.columns, b"\1" * 1168)
    accept(bench, "reg-a", batch)
    bench.pull()
    header, capsule, root, signature = dec("evidence-batch", bench.disputes()[0].evidence, 4)
    assert (header, capsule) == (batch.header.encode(), batch.capsule)
    message = signed_bytes(bench.district.suite, batch.header, capsule, root)
    member = bench.district.roster.find("reg-a")
    assert verify_signature(member.signing_key, message, signature)


def test_a_hit_of_a_bad_batch_blames_its_unit(bench: InspectorBench) -> None:
    (sealed,) = bench.district.holder("reg-a").prepare(REG, [relative(WHO)], 1)
    accept(bench, "reg-a", sign(bench, sealed.batch, sealed.batch.columns, b"\1" * 1168))
    bench.submit("ben-a", BEN, [item(WHO)])
    assert bench.pull().opened.hits == 1
    assert (DisputeKind.RECORD, ("reg-a",)) in [
        (one.kind, one.answerable) for one in bench.disputes()
    ]


@pytest.mark.parametrize("name", ["half", "com", "ct"])
def test_swapped_cells_blame_the_unit_that_signed_them(bench: InspectorBench, name: str) -> None:
    (sealed,) = bench.district.holder("ben-a").prepare(BEN, [item(WHO), item(OTHER)], 1)
    columns = sealed.batch.columns
    column = getattr(columns, name)
    middle = len(column) // 2
    swapped = replace(columns, **{name: column[middle:] + column[:middle]})
    accept(bench, "ben-a", sign(bench, sealed.batch, swapped, sealed.batch.capsule))
    bench.submit("reg-a", REG, [relative(WHO), relative(OTHER)])
    done = bench.pull()
    assert (done.opened.hits, done.disputes) == (1, 2)
    assert {(one.kind, one.answerable) for one in bench.disputes()} == {
        (DisputeKind.RECORD, ("ben-a",))
    }
    assert len(bench.cases()) == 1


def test_a_payload_under_someone_elses_token_is_a_dispute_of_both(bench: InspectorBench) -> None:
    accept(bench, "ben-a", seal(bench, "ben-a", BEN, WHO, item(OTHER).encode()))
    bench.submit("reg-a", REG, [relative(WHO)])
    assert bench.pull().opened.hits == 1
    (dispute,) = bench.disputes()
    assert (dispute.kind, dispute.answerable) == (DisputeKind.PERSONS, ("reg-a", "ben-a"))
    assert bench.mailbox("ben-a", BEN) == []
    assert bench.mailbox("reg-a", REG) == []


@pytest.mark.parametrize(
    "payload",
    [
        lambda: b"",
        lambda: b"\x09" + bytes(4),
        lambda: relative(WHO).encode(),  # of the other side
        lambda: item(WHO).encode()[:-1],
        lambda: item(WHO).encode().replace("甲某".encode(), b"\xff" * 6),
    ],
)
def test_a_payload_that_does_not_parse_blames_its_unit(
    bench: InspectorBench, payload: Callable[[], bytes]
) -> None:
    accept(bench, "ben-a", seal(bench, "ben-a", BEN, WHO, payload()))
    bench.submit("reg-a", REG, [relative(WHO)])
    assert bench.pull().opened.hits == 1
    (dispute,) = bench.disputes()
    assert (dispute.kind, dispute.answerable) == (DisputeKind.RECORD, ("ben-a",))


def test_a_name_longer_than_the_norm_blames_its_unit(bench: InspectorBench) -> None:
    """The library refuses to seal it; a unit with its own program may."""
    name, longer = "甲某".encode(), "甲".encode() * (NAME_CAP // 3 + 1)
    honest = item(WHO).encode()
    place = honest.index(name) - 4
    forged = (
        honest[:place] + len(longer).to_bytes(4, "big") + longer + honest[place + 4 + len(name) :]
    )
    accept(bench, "ben-a", seal(bench, "ben-a", BEN, WHO, forged))
    bench.submit("reg-a", REG, [relative(WHO)])
    assert bench.pull().opened.hits == 1
    (dispute,) = bench.disputes()
    assert (dispute.kind, dispute.answerable) == (DisputeKind.RECORD, ("ben-a",))


def test_escape_sequences_that_a_unit_sealed_reach_nobody(bench: InspectorBench) -> None:
    forged = replace(item(WHO), item_name="改厕\x1b]0;x\x07", place="=HYPERLINK(1)\r\n")
    bench.submit("ben-a", BEN, [forged])
    bench.submit("reg-a", REG, [relative(WHO)])
    bench.pull()
    case = next(one for one in bench.cases() if one.key.approving_unit == "ben-a")
    assert case.content.item.item_name.isprintable()
    (notice,) = bench.mailbox("reg-a", REG)
    assert isinstance(notice, OfficialNotice)
    assert (notice.item_name + notice.place).isprintable()


def test_a_dispute_tells_no_personal_data(bench: InspectorBench) -> None:
    accept(bench, "ben-a", seal(bench, "ben-a", BEN, WHO, item(OTHER).encode()))
    bench.submit("reg-a", REG, [relative(WHO)])
    bench.pull()
    for dispute in bench.disputes():
        assert all(who.idn.encode() not in dispute.evidence for who in (WHO, OTHER))
        assert "某" not in dispute.what_zh
