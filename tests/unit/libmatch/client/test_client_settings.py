"""libmatch.client.settings: one file, all of it checked, nothing guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from libmatch.client import read_settings
from libmatch.errors import InputError
from libmatch.records import Side

GOOD = """
unit = "minzheng"
sides = ["beneficiary"]
kit = "kit"
passphrase = "../passphrase"
state = "client.db"
[matcher]
address = "10.0.0.5:7400"
identity = "spiffe://fuling/matcher"
timeout_s = 5
[tls]
certificate = "tls/cert.pem"
private_key = "/etc/libmatch/key.pem"
ca = "tls/ca.pem"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "libmatch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, GOOD))
    assert settings.kit == tmp_path / "kit"
    assert settings.passphrase == tmp_path / "../passphrase"
    assert settings.tls.private_key == Path("/etc/libmatch/key.pem")
    assert (settings.sides, settings.timeout_s) == (frozenset({Side.BENEFICIARY}), 5.0)
    assert str(settings.matcher) == "spiffe://fuling/matcher"


def test_folder_means_the_file_in_it(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, GOOD).parent) == read_settings(tmp_path / "libmatch.toml")


@pytest.mark.parametrize(
    ("old", "new", "about"),
    [
        ('unit = "minzheng"', "", "unit is missing"),
        ('unit = "minzheng"', 'unit = "民政局"', "unit:"),
        ('unit = "minzheng"', "unit = 5", "unit is a text"),
        ('["beneficiary"]', "[]", "sides"),
        ('["beneficiary"]', '["matcher"]', "sides"),
        ('["beneficiary"]', "[[]]", "sides"),
        ('state = "client.db"', 'state = ""', "state is a text"),
        ('state = "client.db"', 'stat = "client.db"', "unknown key stat"),
        ("timeout_s = 5", "timeout = 5", "unknown key matcher.timeout"),
        ("timeout_s = 5", "timeout_s = 0", "matcher.timeout_s"),
        ("timeout_s = 5", "timeout_s = true", "matcher.timeout_s"),
        ("spiffe://fuling/matcher", "https://fuling/matcher", "matcher.identity"),
        ('ca = "tls/ca.pem"', "", "tls.ca is missing"),
        ("[tls]", "[tsl]", "unknown key tsl"),
        ("[matcher]", "[matcher", "not a TOML file"),
    ],
)
def test_wrong_setting_is_named(tmp_path: Path, old: str, new: str, about: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as refusal:
        read_settings(write(tmp_path, GOOD.replace(old, new)))
    assert about in str(refusal.value)
    assert about in refusal.value.message_zh


def test_section_that_is_no_table_is_named(tmp_path: Path) -> None:
    text = GOOD.split("[matcher]", maxsplit=1)[0] + "matcher = 1\ntls = 2\n"
    with pytest.raises(InputError, match="matcher is a table"):
        read_settings(write(tmp_path, text))


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_settings(tmp_path / "nothing.toml")
