"""The epochs in the kit: rollbacks refused, former ones kept for what is left of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import structlog.testing

from libmatch.errors import ManifestError
from libmatch.manifest import Role, Roster
from services.inspector.epochs import Epochs
from tests.district import District
from tests.inspector_bench import InspectorBench


def accept(_: Roster) -> None:
    """Every roster is the newest."""


def next_epoch(district: District, inspector_key: bytes | None = None) -> District:
    """The same authority and parties a year later."""
    manifest = replace(
        district.manifest,
        epoch=2,
        previous=district.manifest.epoch_id,
        inspector_key=inspector_key or district.manifest.inspector_key,
    )
    roster = replace(district.roster, epoch_id=manifest.epoch_id, version=1)
    return replace(district, manifest=manifest, roster=roster)


def retire(kit: Path, district: District) -> None:
    """As ``libmatch keys install`` does with an epoch that is replaced."""
    (kit / "epoch").rename(kit / f"epoch-{district.manifest.epoch_id.hex()[:8]}")


def test_a_former_epoch_is_found_by_its_id(tmp_path: Path, district: District) -> None:
    district.write_epoch(tmp_path)
    retire(tmp_path, district)
    newer = next_epoch(district)
    newer.write_epoch(tmp_path)
    epochs = Epochs(tmp_path, accept)
    assert epochs.current.epoch_id == newer.manifest.epoch_id
    former = epochs.find(district.manifest.epoch_id)
    assert former is not None
    assert former.roster == district.roster
    assert epochs.find(bytes(32)) is None


def test_a_former_epoch_of_another_key_or_authority_is_left_out(
    tmp_path: Path, district: District
) -> None:
    district.write_epoch(tmp_path)
    retire(tmp_path, district)
    other_key = district.keys("reg-a").hpke.public_key
    next_epoch(district, other_key).write_epoch(tmp_path)
    assert Epochs(tmp_path, accept).find(district.manifest.epoch_id) is None
    shutil.rmtree(tmp_path / "epoch")
    stranger = replace(district, authority=district.authority[:1])
    (tmp_path / "epoch-00000000").mkdir()
    (tmp_path / "epoch-00000000" / "manifest").write_bytes(stranger.manifest_document.encode())
    next_epoch(district).write_epoch(tmp_path)
    with structlog.testing.capture_logs() as lines:
        epochs = Epochs(tmp_path, accept)
    assert epochs.find(bytes(32)) is None
    assert ("epoch.left-out", "epoch-00000000") in [
        (line["event"], line.get("folder")) for line in lines
    ]


def test_another_epoch_is_not_taken_up_in_passing(tmp_path: Path, district: District) -> None:
    district.write_epoch(tmp_path)
    epochs = Epochs(tmp_path, accept)
    next_epoch(district).write_epoch(tmp_path)
    with structlog.testing.capture_logs() as lines:
        assert not epochs.follow()
        assert not epochs.follow()
    assert [line["event"] for line in lines] == ["roster.refused"]  # said once
    assert epochs.current.epoch_id == district.manifest.epoch_id


def test_a_newer_roster_is_followed_once(tmp_path: Path, district: District) -> None:
    district.write_epoch(tmp_path)
    epochs = Epochs(tmp_path, accept)
    district.enrol("reg-new", Role.REGISTRY).write_epoch(tmp_path)
    assert epochs.follow()
    assert not epochs.follow()
    assert epochs.current.roster.version == 2


def test_a_roster_that_was_rolled_back_while_the_service_was_down_is_refused(
    bench: InspectorBench,
) -> None:
    older = bench.district
    older.revoke("reg-a").write_epoch(bench.kit)
    bench.pull()
    older.write_epoch(bench.kit)
    with pytest.raises(ManifestError, match="version 2 was followed before"):
        bench.reopen()
    older.revoke("reg-b").write_epoch(bench.kit)  # another document of the same version
    with pytest.raises(ManifestError, match="version 2 was followed before"):
        bench.reopen()
