"""Leaves, checkpoints and receipts of the audit log: what is signed, and what a reader refuses."""

from __future__ import annotations

import base64
import copy
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from libmatch import auditlog
from libmatch.auditlog import (
    Checkpoint,
    LogSigner,
    append_leaves,
    follow_checkpoint,
    hash_entry,
    log_hash,
    log_origin,
    open_checkpoint,
    read_consistency,
    read_inclusion,
    read_root,
    sign_checkpoint,
    sign_receipt,
    verify_inclusion,
    verify_receipt,
)
from libmatch.encoding import dec
from libmatch.errors import EncodingError, KeyFileError, LogError
from libmatch.records import Receipt, Side
from tests.district import PASSPHRASE, make_district

ORIGIN = log_origin("fuling")
SIGNER = LogSigner(bytes(range(32)))
ROOT = log_hash(b"some tree")
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 20852163, ROOT), SIGNER)


def opened(note: str) -> Checkpoint:
    return open_checkpoint(note, ORIGIN, SIGNER.public_key)


class StoredTree:
    """The least store: nodes by (level, index), and which were read."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.size = 0
        self.reads: list[tuple[int, int]] = []

    def read(self, level: int, index: int) -> bytes:
        self.reads.append((level, index))
        return self.nodes[level, index]

    def append(self, entries: list[bytes]) -> None:
        new = append_leaves(self.read, self.size, [hash_entry(entry) for entry in entries])
        assert not self.nodes.keys() & new.keys()  # a node is stored once and for ever
        self.nodes |= new
        self.size += len(entries)

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(ORIGIN, self.size, read_root(self.read, self.size))


def test_leaves_are_canonical_and_distinct() -> None:
    digest, notice, hit = bytes(32), bytes(16), b"\1" * 32
    leaves = {
        "log-batch": auditlog.encode_batch_leaf(digest, Side.REGISTRY, "a", 1, 2),
        "log-withdrawal": auditlog.encode_withdrawal_leaf(digest, Side.REGISTRY, "a", 1, 2),
        "log-hit": auditlog.encode_hit_leaf(hit, 2),
        "log-release": auditlog.encode_release_leaf(notice, hit, "a", Side.BENEFICIARY, 2),
        "log-ack": auditlog.encode_ack_leaf(notice, 2),
        "log-gate": auditlog.encode_gate_leaf("a", 2, [(b"r" * 16, 1), (b"s" * 16, 4)]),
        "log-assign": auditlog.encode_assignment_leaf(hit, notice, 2),
        "log-report": auditlog.encode_report_leaf(notice, "a", Side.BENEFICIARY, 1, 3, 2, digest),
    }
    assert len(set(leaves.values())) == 8
    fields = {label: dec(label, leaf) for label, leaf in leaves.items()}
    assert fields["log-batch"] == fields["log-withdrawal"]
    assert fields["log-release"][2:4] == [b"a", b"\2"]
    assert fields["log-gate"][2:] == [b"r" * 16 + b"\1", b"s" * 16 + b"\4"]


@pytest.mark.parametrize("first", range(9))
def test_appending_in_parts_gives_the_same_tree(first: int) -> None:
    entries = [bytes([i]) for i in range(9)]
    at_once, in_parts = StoredTree(), StoredTree()
    at_once.append(entries)
    in_parts.append(entries[:first])
    in_parts.append(entries[first:])
    assert in_parts.nodes == at_once.nodes


def test_appending_reads_only_the_right_edge_that_a_root_needs() -> None:
    tree = StoredTree()
    for size in range(70):
        tree.reads.clear()
        if size:
            read_root(tree.read, size)
        edge = set(tree.reads)
        tree.reads.clear()
        tree.append([bytes([size])])
        assert set(tree.reads) <= edge
        assert len(tree.reads) <= 7


def test_checkpoint_reads_back() -> None:
    assert opened(NOTE) == Checkpoint(ORIGIN, 20852163, ROOT)
    assert NOTE.startswith(f"{ORIGIN}\n20852163\n")


def test_a_witness_signature_is_ignored() -> None:
    blob = base64.b64encode(b"\1\2\3\4" + bytes(72)).decode()
    assert opened(f"{NOTE}— witness.example/w {blob}\n") == opened(NOTE)


def test_another_key_of_the_same_name_is_ignored_but_does_not_suffice() -> None:
    other = LogSigner(bytes(32))
    line = sign_checkpoint(Checkpoint(ORIGIN, 20852163, ROOT), other).split("\n\n")[1]
    assert opened(NOTE + line) == opened(NOTE)
    with pytest.raises(LogError, match="not signed"):
        opened(f"{NOTE.partition(chr(10) * 2)[0]}\n\n{line}")


ALTERATIONS: dict[str, Callable[[str], str]] = {
    "size": lambda n: n.replace("20852163", "20852164"),
    "root": lambda n: n.replace(
        base64.b64encode(ROOT).decode(), base64.b64encode(bytes(32)).decode()
    ),
    "leading zero": lambda n: n.replace("20852163", "020852163"),
    "signed size": lambda n: n.replace("20852163", "+20852163"),
    "other digits": lambda n: n.replace("20852163", "２0852163"),
    "huge size": lambda n: n.replace("20852163", str(1 << 63)),
    "extension line": lambda n: n.replace("\n\n", "\nextension\n\n"),
    "missing line": lambda n: n.replace("20852163\n", ""),
    "no signature": lambda n: n.partition("\n\n")[0] + "\n\n",
    "no blank line": lambda n: n.replace("\n\n", "\n"),
    "no final newline": lambda n: n[:-1],
    "carriage returns": lambda n: n.replace("\n", "\r\n"),
    "hyphen for dash": lambda n: n.replace("—", "-"),
    "cut signature": lambda n: n[:-10] + "\n",
    "unpadded base64": lambda n: n[:-2].rstrip("=") + "\n",
    "too long": lambda n: n + f"— w {base64.b64encode(bytes(60000)).decode()}\n",
    "empty": lambda n: n[:0],
    "another log": lambda n: n.replace("fuling", "wanzhou"),
    "garbage behind": lambda n: n + "\n",
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_checkpoint_is_refused(name: str) -> None:
    altered = ALTERATIONS[name](NOTE)
    assert altered != NOTE
    with pytest.raises(LogError):
        opened(altered)


def test_spare_bits_of_base64_are_refused() -> None:
    stem = NOTE.removesuffix("=\n")  # 68 bytes: one sign of padding, two spare bits
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(stem[-1]) ^ 1]
    with pytest.raises(LogError, match="base64"):
        opened(f"{stem[:-1]}{other}=\n")


def test_a_valid_checkpoint_of_another_log_is_refused() -> None:
    note = sign_checkpoint(Checkpoint(log_origin("wanzhou"), 1, ROOT), SIGNER)
    with pytest.raises(LogError, match="another log"):
        opened(note)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb", "a\u3000b", "a\x7fb\x00"])
def test_an_origin_that_breaks_the_note_format_is_refused(origin: str) -> None:
    with pytest.raises(LogError):
        Checkpoint(origin, 1, ROOT)


@pytest.mark.parametrize(("size", "root"), [(-1, ROOT), (1 << 63, ROOT), (1, b"short")])
def test_a_checkpoint_that_is_none_is_refused(size: int, root: bytes) -> None:
    with pytest.raises(LogError):
        Checkpoint(ORIGIN, size, root)


def test_the_first_checkpoint_is_remembered() -> None:
    tree = StoredTree()
    tree.append([b"a"])
    assert follow_checkpoint(None, tree.checkpoint()) == tree.checkpoint()


def test_a_grown_log_is_followed_from_every_size() -> None:
    tree, seen = StoredTree(), []
    for i in range(12):
        seen.append(tree.checkpoint())
        tree.append([bytes([i])])
    latest = tree.checkpoint()
    for old in seen:
        proof = read_consistency(tree.read, old.size, latest.size)
        assert follow_checkpoint(old, latest, proof) == latest
    assert follow_checkpoint(latest, latest) == latest


def test_a_rewritten_log_is_not_followed() -> None:
    honest, rewritten = StoredTree(), StoredTree()
    honest.append([bytes([i]) for i in range(5)])
    rewritten.append([bytes([i]) for i in (0, 1, 9, 3, 4, 5, 6)])
    proof = read_consistency(rewritten.read, 5, 7)
    with pytest.raises(LogError):
        follow_checkpoint(honest.checkpoint(), rewritten.checkpoint(), proof)


def test_a_log_that_became_shorter_is_not_followed() -> None:
    tree = StoredTree()
    tree.append([b"a"])
    before = tree.checkpoint()
    tree.append([b"b"])
    with pytest.raises(LogError, match="shorter"):
        follow_checkpoint(tree.checkpoint(), before)


def test_another_log_is_not_followed() -> None:
    with pytest.raises(LogError, match="another log"):
        follow_checkpoint(Checkpoint(ORIGIN, 1, ROOT), Checkpoint("other", 1, ROOT))


def test_an_entry_is_proved_in_the_log() -> None:
    tree, entries = StoredTree(), [bytes([i]) for i in range(7)]
    tree.append(entries)
    path = read_inclusion(tree.read, 3, 7)
    verify_inclusion(tree.checkpoint(), 3, entries[3], path)
    with pytest.raises(LogError):
        verify_inclusion(tree.checkpoint(), 3, entries[4], path)


DISTRICT = make_district()
DIGEST = log_hash(b"content")


def make_receipt(signer: LogSigner = DISTRICT.log_signer) -> Receipt:
    epoch = DISTRICT.manifest.epoch_id
    return sign_receipt(signer, epoch, Side.REGISTRY, "reg-a", 1, DIGEST, 1_700_000, 9)


def test_a_receipt_is_verified_and_read_back() -> None:
    receipt = make_receipt()
    verify_receipt(DISTRICT.manifest, receipt, DIGEST)
    assert Receipt.decode(receipt.encode()) == receipt


@pytest.mark.parametrize(
    "change",
    [
        {"side": Side.BENEFICIARY},
        {"unit": "reg-b"},
        {"seq": 2},
        {"accepted_at_us": 1},
        {"leaf_index": 10},
        {"epoch": bytes(32)},
        {"digest": bytes(32)},
        {"signature": bytes(64)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_altered_receipt_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(LogError):
        verify_receipt(DISTRICT.manifest, replace(make_receipt(), **change), DIGEST)  # type: ignore[arg-type]


def test_a_receipt_for_other_content_is_refused() -> None:
    with pytest.raises(LogError, match="other content"):
        verify_receipt(DISTRICT.manifest, make_receipt(), bytes(32))


def test_a_receipt_that_another_key_signed_is_refused() -> None:
    with pytest.raises(LogError, match="log's key"):
        verify_receipt(DISTRICT.manifest, make_receipt(LogSigner.generate()), DIGEST)


@pytest.mark.parametrize("name", ["epoch", "digest", "signature"])
def test_a_receipt_of_wrong_lengths_is_refused(name: str) -> None:
    with pytest.raises(EncodingError):
        replace(make_receipt(), **{name: b"short"})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["seq", "accepted_at_us", "leaf_index"])
def test_a_receipt_with_a_number_out_of_range_is_refused(name: str) -> None:
    with pytest.raises(EncodingError):
        replace(make_receipt(), **{name: -1})  # type: ignore[arg-type]


def test_the_log_key_survives_its_key_file_and_shows_nothing() -> None:
    data = SIGNER.protect(PASSPHRASE)
    assert LogSigner.unprotect(data, PASSPHRASE).public_key == SIGNER.public_key
    assert bytes(range(32)) not in data
    assert repr(SIGNER) == f"<LogSigner {SIGNER.public_key.hex()[:8]}>"
    with pytest.raises(KeyFileError):
        LogSigner.unprotect(data, "another passphrase")


def test_a_unit_key_file_is_no_log_key() -> None:
    with pytest.raises(KeyFileError, match="log-key"):
        LogSigner.unprotect(DISTRICT.keys("reg-a").protect(PASSPHRASE), PASSPHRASE)


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy])
def test_the_log_key_is_not_copied_into_messages(leak: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        leak(SIGNER)
