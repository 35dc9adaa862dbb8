"""libmatch.client.Client opens with its own kit and state file alone, and the file holds no person."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from libmatch.client import Client, ClientSettings
from libmatch.client.state import State
from libmatch.errors import (
    BatchError,
    KeyFileError,
    ServiceError,
    StateError,
)
from libmatch.records import Side
from tests.chassis_pki import Pki
from tests.district import NOW, PASSPHRASE, District, person
from tests.matcher_in_memory import MemoryMatcher, serving
from tests.unit.libmatch.client.client_rows import HIT, UNIT, item, relative, rid_of, token_of

# --- the state file -------------------------------------------------------------------------------


def test_state_file_holds_no_identifier_and_no_name(
    client: Client, matcher: MemoryMatcher, district: District, settings: ClientSettings
) -> None:
    client.prepare([item(), relative(2)])
    client.submit()
    rid, token = rid_of(matcher, Side.BENEFICIARY), token_of(district, 1)
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT, rid=rid, token=token))
    client.notices()
    data = settings.state.read_bytes()
    needles = [person(n).idn for n in (1, 2, 900)] + ["甲某", "乙某", "某局", "改厕补助"]
    assert [text for text in needles if text.encode() in data] == []
    assert b"X-1" in data  # the needles would be found


def test_sealed_bytes_are_kept_until_there_is_a_receipt_and_no_longer(
    client: Client, matcher: MemoryMatcher, settings: ClientSettings
) -> None:
    client.prepare([item()])
    with closing(sqlite3.connect(settings.state)) as state:
        query = "SELECT length(body) FROM requests"
        assert state.execute(query).fetchone()[0] > 512
        client.submit()
        assert state.execute(query).fetchone() == (None,)


def test_state_file_is_its_owners_alone(client: Client, settings: ClientSettings) -> None:
    assert stat.S_IMODE(settings.state.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\0" + bytes(600)])
def test_damaged_state_file_is_refused(settings: ClientSettings, content: bytes) -> None:
    settings.state.write_bytes(content)
    with pytest.raises(StateError) as refusal:
        State(settings.state)
    assert refusal.value.message_zh


def test_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StateError, match="not a state file"):
        State(tmp_path / "other.db")


def test_state_file_of_newer_code_is_refused(client: Client, settings: ClientSettings) -> None:
    with sqlite3.connect(settings.state) as newer:
        newer.execute("PRAGMA user_version = 2")
    newer.close()
    with pytest.raises(StateError, match="version 2"):
        State(settings.state)


def test_state_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be opened"):
        State(tmp_path / "missing" / "client.db")


# --- opening --------------------------------------------------------------------------------------


def test_wrong_passphrase_is_a_key_file_error(settings: ClientSettings, tmp_path: Path) -> None:
    wrong = tmp_path / "passphrase"
    wrong.touch(mode=0o600)
    wrong.write_text("another passphrase", encoding="utf-8")
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        Client.open(replace(settings, passphrase=wrong), now=lambda: NOW)


def test_passphrase_that_others_can_read_is_refused(
    settings: ClientSettings, tmp_path: Path
) -> None:
    exposed = tmp_path / "passphrase"
    exposed.write_text(PASSPHRASE, encoding="utf-8")
    exposed.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Client.open(replace(settings, passphrase=exposed), now=lambda: NOW)


def test_server_of_another_role_is_not_talked_to(
    settings: ClientSettings, district: District, pki: Pki, matcher: MemoryMatcher
) -> None:
    impostor = pki.issue("spiffe://fuling/unit/other")
    with serving(MemoryMatcher(district), impostor) as (other, address):
        elsewhere = replace(settings, address=address, timeout_s=1)
        with Client.open(elsewhere, now=lambda: NOW) as client:
            client.prepare([item()])
            with pytest.raises(ServiceError):
                client.submit()
        assert other.received == []


def test_side_that_the_roster_does_not_enrol_is_refused(
    settings: ClientSettings, district: District, tmp_path: Path
) -> None:
    district.write_kit(tmp_path / "kit", "reg-a")
    other = replace(settings, unit="reg-a", kit=tmp_path / "kit")
    with pytest.raises(BatchError, match="does not enrol"):
        Client.open(other, now=lambda: NOW)
