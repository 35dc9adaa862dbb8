"""Attacks on flagged pairs: each is refused, and the one who is answerable is named (spec section 6)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from libmatch.batch import AdmittedBatch, admit_batch, hash_rows, signed_bytes
from libmatch.encoding import enc
from libmatch.errors import BatchError, EncodingError, UnsealError
from libmatch.identifiers import Identifier, Kind
from libmatch.keys import HpkePrivateKey, Share, SigningKey, combine_shares, seal_to
from libmatch.manifest import Epoch, Member, Role, Roster
from libmatch.merkle import compute_root, prove_position
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.prepare import Holder
from libmatch.records import Batch, Columns, FlaggedPair, FlaggedRecord, Side
from libmatch.seal import pad_payload, seal_batch, seal_rows, xor
from libmatch.suites import SUITES, decrypt_once
from libmatch.tokens import HalvesColumn, derive_halves
from libmatch.unseal import RecordSecret, capsule_opens, open_pair, release_secret, unseal_pair
from tests.vectors.make_protocol_vectors import derive, inspector_key, manifest_of, unit_key

PERSON = Identifier(Kind.RESIDENT_ID, "11010119900307775X")
STRANGER = Identifier(Kind.RESIDENT_ID, "11010519491231002X")
OFFICIAL = Identifier(Kind.RESIDENT_ID, "440524188001010014")


def relative(person: Identifier = PERSON) -> RelativePayload:
    return RelativePayload(person, "甲某", "配偶", OFFICIAL, "乙某", "某局", "科长")


def item(person: Identifier = PERSON) -> ItemPayload:
    start = date(2026, 3, 1)
    return ItemPayload(
        person, "甲某", "受益人", "X-1", "改厕补助", "项目补助", 120000, "某村", start
    )


@dataclass
class Scene:
    """Two units with one batch each of three records; row ``PERSON`` of each makes the flagged pair."""

    epoch: Epoch
    registry: Holder
    beneficiary: Holder
    batches: dict[Side, Batch]
    rids: dict[Side, tuple[bytes, ...]]

    def flag(self, side: Side, index: int = 0) -> FlaggedRecord:
        batch, rid = self.batches[side], self.rids[side][index]
        rows = [batch.columns.row(i) for i in range(batch.header.count)]
        position = next(i for i, row in enumerate(rows) if row.rid == rid)
        suite = SUITES[self.epoch.manifest.suite]
        leaves = hash_rows(suite, batch.header, batch.columns)
        path = tuple(prove_position(suite.h, leaves, position))
        return FlaggedRecord(
            batch.header, batch.capsule, batch.signature, position, rows[position], path
        )

    def pair(self) -> FlaggedPair:
        return FlaggedPair(self.flag(Side.REGISTRY), self.flag(Side.BENEFICIARY))

    def resign(self, side: Side, columns: Columns, capsule: bytes | None = None) -> None:
        """The unit itself signs other columns: an attack by the unit, not by the matcher."""
        batch, suite = self.batches[side], SUITES[self.epoch.manifest.suite]
        capsule = capsule or batch.capsule
        root = compute_root(suite.h, hash_rows(suite, batch.header, columns))
        message = signed_bytes(suite, batch.header, capsule, root)
        signature = unit_key(batch.header.unit).sign(message)
        self.batches[side] = Batch(batch.header, capsule, signature, columns)


def member(unit: str, roles: Role) -> Member:
    key = unit_key(unit)
    hpke = HpkePrivateKey(derive(f"hpke key of {unit}", 96))
    return Member(unit, unit, roles, key.public_key, hpke.public_key)


@pytest.fixture(params=[1, 2])
def scene(request: pytest.FixtureRequest) -> Scene:
    manifest = replace(manifest_of(request.param), bucket=512)
    members = (member("unit-a", Role.REGISTRY), member("unit-b", Role.BENEFICIARY))
    epoch = Epoch(manifest, Roster(manifest.epoch_id, 1, members))
    shares = [Share(derive("share 1")), Share(derive("share 2"))]
    now = manifest.not_before
    a, b = (Holder.enrol(m.unit, epoch, shares, unit_key(m.unit), now) for m in members)
    people = (PERSON, STRANGER, Identifier(Kind.PASSPORT, "E12345678"))
    others = (PERSON, OFFICIAL, Identifier(Kind.PASSPORT, "E87654321"))
    registry = next(a.prepare(Side.REGISTRY, [relative(p) for p in people], 1))
    beneficiary = next(b.prepare(Side.BENEFICIARY, [item(p) for p in others], 1))
    batches = {Side.REGISTRY: registry.batch, Side.BENEFICIARY: beneficiary.batch}
    rids = {Side.REGISTRY: registry.rids, Side.BENEFICIARY: beneficiary.rids}
    return Scene(epoch, a, b, batches, rids)


def blame(scene: Scene, pair: FlaggedPair) -> str:
    with pytest.raises(UnsealError) as caught:
        unseal_pair(inspector_key(), scene.epoch, pair)
    return caught.value.culprit


def test_a_flagged_pair_opens_to_both_payloads(scene: Scene) -> None:
    opened = unseal_pair(inspector_key(), scene.epoch, scene.pair())
    assert opened.relative == relative()
    assert opened.item == item()


def test_an_unflagged_record_does_not_open_with_the_key_and_the_whole_database(
    scene: Scene,
) -> None:
    """Every half that the database can give is tried on every unflagged row (threat model, row 3)."""
    suite = SUITES[scene.epoch.manifest.suite]
    secrets = [
        (side, i, release_secret(inspector_key(), scene.epoch, scene.flag(side, i)))
        for side in Side
        for i in range(3)
    ]
    opened = set()
    for side, i, secret in secrets:
        row = scene.flag(side, i).row
        for _, _, other in secrets:
            for guess in (other.half, other.r, row.half, row.c_reg, row.c_ben, bytes(32)):
                prk = suite.prf(secret.r, guess)
                bh = suite.h(scene.batches[side].header.encode())
                hh = suite.h(enc("rec", bh, row.rid, row.c_reg, row.c_ben))
                if decrypt_once(suite.prf(prk, enc("key", hh)), row.ct) is not None:
                    opened.add((side, i))
    assert opened == {(Side.REGISTRY, 0), (Side.BENEFICIARY, 0)}


def test_units_together_open_no_payload_without_the_private_key(scene: Scene) -> None:
    """With K_e both halves of everyone are known; r is not (threat model, row 2)."""
    suite = SUITES[scene.epoch.manifest.suite]
    key = combine_shares(
        suite,
        scene.epoch.epoch_id,
        scene.epoch.manifest.commitments,
        [Share(derive("share 1")), Share(derive("share 2"))],
    )
    halves = derive_halves(suite, key, PERSON.kind, PERSON.idn)
    row = scene.flag(Side.BENEFICIARY).row
    assert (row.c_reg, row.c_ben) == (halves.c_reg, halves.c_ben)  # membership is visible …
    hh = suite.h(
        enc(
            "rec",
            suite.h(scene.batches[Side.BENEFICIARY].header.encode()),
            row.rid,
            row.c_reg,
            row.c_ben,
        )
    )
    guesses = (halves.g_reg, halves.g_ben, row.half, xor(row.half, halves.g_ben), bytes(32))
    for r in guesses:
        for other in (halves.g_reg, halves.g_ben):
            key_guess = suite.prf(suite.prf(r, other), enc("key", hh))
            assert decrypt_once(key_guess, row.ct) is None  # … and the payload is not


@pytest.mark.parametrize("name", ["rid", "c_reg", "c_ben", "half", "com", "ct"])
def test_a_row_that_the_matcher_changed_blames_the_matcher(scene: Scene, name: str) -> None:
    pair = scene.pair()
    value = bytearray(getattr(pair.beneficiary.row, name))
    value[0] ^= 1
    changed: dict[str, Any] = {name: bytes(value)}
    row = replace(pair.beneficiary.row, **changed)
    forged = replace(pair, beneficiary=replace(pair.beneficiary, row=row))
    assert blame(scene, forged) == "matcher"


@pytest.mark.parametrize(
    "forge",
    [
        lambda _, r: replace(r, position=(r.position + 1) % 3),
        lambda _, r: replace(r, position=3),
        lambda _, r: replace(r, path=r.path[:-1]),
        lambda _, r: replace(r, path=(*r.path, bytes(32))),
        lambda _, r: replace(r, header=replace(r.header, count=4)),
        lambda _, r: replace(r, header=replace(r.header, seq=2)),
        lambda _, r: replace(r, header=replace(r.header, unit="unit-b")),
        lambda _, r: replace(r, header=replace(r.header, unit="nobody")),
        lambda _, r: replace(r, header=replace(r.header, side=Side.BENEFICIARY)),
        lambda _, r: replace(r, header=replace(r.header, epoch=bytes(32))),
        lambda s, r: replace(r, capsule=s.batches[Side.BENEFICIARY].capsule),
        lambda s, r: replace(r, signature=s.batches[Side.BENEFICIARY].signature),
        lambda s, _: s.flag(Side.REGISTRY, 1),
        lambda s, _: s.flag(Side.BENEFICIARY),
    ],
)
def test_a_record_out_of_its_place_blames_the_matcher(
    scene: Scene, forge: Callable[[Scene, FlaggedRecord], FlaggedRecord]
) -> None:
    pair = scene.pair()
    assert blame(scene, replace(pair, registry=forge(scene, pair.registry))) == "matcher"


def test_swapped_sides_blame_the_matcher(scene: Scene) -> None:
    pair = scene.pair()
    assert blame(scene, FlaggedPair(pair.beneficiary, pair.registry)) == "matcher"


def _swap_cells(column: bytes, width: int, a: int, b: int) -> bytes:
    cells = [column[i : i + width] for i in range(0, len(column), width)]
    cells[a], cells[b] = cells[b], cells[a]
    return b"".join(cells)


@pytest.mark.parametrize("name", ["half", "com", "ct"])
def test_a_unit_that_signs_swapped_cells_is_blamed(scene: Scene, name: str) -> None:
    columns = scene.batches[Side.BENEFICIARY].columns
    width = columns.ct_size if name == "ct" else 32
    i, j = scene.flag(Side.BENEFICIARY, 0).position, scene.flag(Side.BENEFICIARY, 1).position
    swapped: dict[str, Any] = {name: _swap_cells(getattr(columns, name), width, i, j)}
    scene.resign(Side.BENEFICIARY, replace(columns, **swapped))
    assert blame(scene, scene.pair()) == "unit-b"


def test_a_unit_that_seals_a_wrong_capsule_is_blamed_before_any_hit(scene: Scene) -> None:
    batch = scene.batches[Side.BENEFICIARY]
    wrong = seal_to(inspector_key().public_key, os.urandom(32), b"another batch")
    scene.resign(Side.BENEFICIARY, batch.columns, wrong)
    assert not capsule_opens(inspector_key(), batch.header, wrong)
    assert capsule_opens(inspector_key(), batch.header, batch.capsule)
    assert blame(scene, scene.pair()) == "unit-b"


def test_a_false_pair_blames_the_matcher_even_where_a_unit_sealed_a_wrong_capsule(
    scene: Scene,
) -> None:
    """Tokens are compared before any capsule is opened: two faults, and the first is the matcher's."""
    batch = scene.batches[Side.REGISTRY]
    wrong = seal_to(inspector_key().public_key, os.urandom(32), b"another batch")
    scene.resign(Side.REGISTRY, batch.columns, wrong)
    assert blame(
        scene, FlaggedPair(scene.flag(Side.REGISTRY, 1), scene.flag(Side.BENEFICIARY))
    ) == ("matcher")


def test_a_unit_that_seals_another_secret_is_blamed(scene: Scene) -> None:
    batch = scene.batches[Side.BENEFICIARY]
    other = seal_to(inspector_key().public_key, os.urandom(32), batch.header.encode())
    scene.resign(Side.BENEFICIARY, batch.columns, other)
    assert blame(scene, scene.pair()) == "unit-b"


def test_a_payload_under_someone_elses_token_is_a_dispute(scene: Scene) -> None:
    """A unit seals a payload about one person under the token of another."""
    suite, holder = SUITES[scene.epoch.manifest.suite], scene.beneficiary
    halves = derive_halves(suite, holder.key, PERSON.kind, PERSON.idn)
    sealed = seal_batch(
        scene.epoch.manifest,
        Side.BENEFICIARY,
        "unit-b",
        1,
        HalvesColumn.of_rows([halves]),
        [item(STRANGER).encode()],
        holder.signing_key,
    )
    scene.batches[Side.BENEFICIARY], scene.rids[Side.BENEFICIARY] = sealed.batch, sealed.rids
    with pytest.raises(UnsealError) as caught:
        unseal_pair(inspector_key(), scene.epoch, scene.pair())
    assert caught.value.disputed
    assert caught.value.culprit == "unit-a | unit-b"


@pytest.mark.parametrize(
    "payload", [b"", b"\x01", b"\x09" + bytes(4), b"\x01\xff\xff\xff\xff", item().encode()[:-1]]
)
def test_a_payload_that_does_not_parse_blames_its_unit(scene: Scene, payload: bytes) -> None:
    suite, holder = SUITES[scene.epoch.manifest.suite], scene.beneficiary
    halves = derive_halves(suite, holder.key, PERSON.kind, PERSON.idn)
    sealed = seal_batch(
        scene.epoch.manifest,
        Side.BENEFICIARY,
        "unit-b",
        1,
        HalvesColumn.of_rows([halves]),
        [payload],
        holder.signing_key,
    )
    scene.batches[Side.BENEFICIARY], scene.rids[Side.BENEFICIARY] = sealed.batch, sealed.rids
    assert blame(scene, scene.pair()) == "unit-b"


@pytest.mark.parametrize("spoil", [lambda b: b[:-1] + b"\x01", lambda b: b"\xff\xff" + b[2:]])
def test_padding_that_is_not_strict_blames_its_unit(
    scene: Scene, spoil: Callable[[bytes], bytes]
) -> None:
    suite, batch = SUITES[scene.epoch.manifest.suite], scene.batches[Side.BENEFICIARY]
    holder, header = scene.beneficiary, replace(batch.header, count=1)
    secret, rid = os.urandom(32), os.urandom(16)
    halves = derive_halves(suite, holder.key, PERSON.kind, PERSON.idn)
    plaintext = spoil(pad_payload(item().encode(), 512))
    columns = seal_rows(suite, header, secret, [rid], HalvesColumn.of_rows([halves]), [plaintext])
    capsule = seal_to(inspector_key().public_key, secret, header.encode())
    scene.batches[Side.BENEFICIARY] = Batch(header, capsule, bytes(64), columns)
    scene.rids[Side.BENEFICIARY] = (rid,)
    scene.resign(Side.BENEFICIARY, columns)
    assert blame(scene, scene.pair()) == "unit-b"


def test_a_record_secret_of_another_row_blames_its_unit(scene: Scene) -> None:
    pair = scene.pair()
    registry = release_secret(inspector_key(), scene.epoch, pair.registry)
    other = release_secret(inspector_key(), scene.epoch, scene.flag(Side.BENEFICIARY, 1))
    with pytest.raises(UnsealError, match="unit-b"):
        open_pair(scene.epoch, pair, registry, other)
    with pytest.raises(UnsealError, match="unit-a"):
        open_pair(scene.epoch, pair, RecordSecret(bytes(32), registry.half), _own(scene, pair))


def _own(scene: Scene, pair: FlaggedPair) -> RecordSecret:
    return release_secret(inspector_key(), scene.epoch, pair.beneficiary)


def test_another_private_key_opens_nothing(scene: Scene) -> None:
    with pytest.raises(UnsealError):
        unseal_pair(HpkePrivateKey.generate(), scene.epoch, scene.pair())


# --- what admission refuses -------------------------------------------------------------------------


def admit(scene: Scene, batch: Batch) -> AdmittedBatch:
    who = scene.epoch.roster.find(batch.header.unit)
    return admit_batch(scene.epoch.manifest, who, batch)


def test_admission_computes_equal_tokens_for_one_person(scene: Scene) -> None:
    a, b = (admit(scene, scene.batches[side]) for side in Side)
    assert len(set(a.tokens) & set(b.tokens)) == 1


@pytest.mark.parametrize("name", ["rid", "c_reg", "c_ben", "half", "com", "ct"])
def test_admission_refuses_an_altered_column(scene: Scene, name: str) -> None:
    batch = scene.batches[Side.REGISTRY]
    value = bytearray(getattr(batch.columns, name))
    value[-1] ^= 0x80
    changed: dict[str, Any] = {name: bytes(value)}
    with pytest.raises(BatchError, match="signature"):
        admit(scene, replace(batch, columns=replace(batch.columns, **changed)))


def test_admission_refuses_swapped_rows(scene: Scene) -> None:
    batch = scene.batches[Side.REGISTRY]
    columns = batch.columns
    swapped = Columns(
        *(
            _swap_cells(getattr(columns, name), width, 0, 1)
            for name, width in zip(
                ("rid", "c_reg", "c_ben", "half", "com", "ct"),
                (16, 32, 32, 32, 32, columns.ct_size),
                strict=True,
            )
        )
    )
    with pytest.raises(BatchError, match="signature"):
        admit(scene, replace(batch, columns=swapped))


def test_admission_refuses_the_wrong_side_unit_and_bucket(scene: Scene) -> None:
    batch = scene.batches[Side.REGISTRY]
    wrong_side = replace(batch, header=replace(batch.header, side=Side.BENEFICIARY))
    with pytest.raises(BatchError, match="side"):
        admit(scene, wrong_side)
    with pytest.raises(BatchError, match="sender"):
        admit_batch(scene.epoch.manifest, scene.epoch.roster.find("unit-b"), batch)
    smaller = replace(scene.epoch.manifest, bucket=256)
    moved = replace(batch, header=replace(batch.header, epoch=smaller.epoch_id))
    with pytest.raises(BatchError, match="bucket"):
        admit_batch(smaller, scene.epoch.roster.find("unit-a"), moved)


def test_admission_refuses_two_rows_of_one_record_id(scene: Scene) -> None:
    columns = scene.batches[Side.REGISTRY].columns
    doubled = replace(columns, rid=columns.rid[:16] * 3)
    scene.resign(Side.REGISTRY, doubled)
    with pytest.raises(BatchError, match="share a record id"):
        admit(scene, scene.batches[Side.REGISTRY])


def test_columns_of_another_length_are_no_batch(scene: Scene) -> None:
    data = scene.batches[Side.REGISTRY].columns.pack()
    for broken in (data[:-1], data + b"\0", data[:100], b""):
        with pytest.raises(EncodingError):
            Columns.unpack(broken, 3)


def test_a_stranger_with_the_right_name_cannot_sign_for_a_unit(scene: Scene) -> None:
    stranger = SigningKey.generate()
    batch = next(
        replace(scene.registry, signing_key=stranger).prepare(Side.REGISTRY, [relative()], 1)
    ).batch
    with pytest.raises(BatchError, match="signature"):
        admit(scene, batch)
