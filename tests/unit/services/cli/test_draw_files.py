"""A published draw is drawn again by anybody; a party's secret stays its own until it reveals."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libmatch.errors import InputError
from libmatch.sampling import Draw, Reveal, commit, draw_sample, plan_draw
from services.cli.draw_files import make_reveal, publish, read_published, read_reveal, write_reveal
from services.cli.exits import Exit
from services.cli.main import main

ITEMS = tuple(bytes([n]) * 16 for n in range(1, 21))
PLAN = plan_draw("R51 单位抽查：涉权事项 min-zheng 2018 #1", ITEMS, 30, ("ji", "shu"))


def finished() -> Draw:
    reveals = (Reveal("ji", b"n" * 32, b"6-3-1"), Reveal("shu", b"m" * 32, b"4"))
    commitments = tuple((one.party, commit(PLAN, one)) for one in reveals)
    return Draw(PLAN, commitments, reveals)


def published() -> bytes:
    draw = finished()
    return publish(draw.encode(), ITEMS, draw_sample(draw, ITEMS))


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    values = json.loads(published())
    change(values)
    return json.dumps(values).encode()


def test_R52_a_published_draw_is_drawn_again_at_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "draw.json"
    path.write_bytes(published())
    assert main(["draws", "verify", str(path)]) == Exit.OK
    shown = capsys.readouterr().out
    assert "核对无误" in shown
    for item in draw_sample(finished(), ITEMS):
        assert item.hex() in shown


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v["drawn"].reverse(),
        lambda v: v["drawn"].pop(),
        lambda v: v["items"].pop(),
        lambda v: v["items"].append("ff" * 16),
        lambda v: v.update(seed="00" * 32),
        lambda v: v.update(title="另一次抽查"),
        lambda v: v.update(percent=10),
        lambda v: v.update(parties=["ji", "li"]),
        lambda v: v.update(record=v["record"][:-2] + "00"),
        lambda v: v.pop("items"),
        lambda v: v.update(format="other"),
        lambda v: v.update(note="x"),
    ],
)
def test_R52_a_published_draw_that_was_changed_is_refused(
    change: Callable[[dict[str, Any]], object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "draw.json"
    path.write_bytes(changed(change))
    assert main(["draws", "verify", str(path)]) == Exit.REFUSED
    assert "核对无误" not in capsys.readouterr().out


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"format": 1}'])
def test_what_is_no_published_draw_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        read_published(data)


def test_R52_an_unfinished_draw_names_who_is_missing() -> None:
    draw = Draw(PLAN)
    with pytest.raises(InputError) as caught:
        read_published(publish(draw.encode(), ITEMS, ()))
    assert "ji" in caught.value.message_zh


def test_a_secret_is_the_owners_alone_and_reads_back(tmp_path: Path) -> None:
    path, kept = tmp_path / "secret.json", make_reveal(PLAN, "ji", "6-3-1")
    write_reveal(path, kept)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = read_reveal(path)
    assert (again.reveal, again.commitment(PLAN)) == (kept.reveal, commit(PLAN, kept.reveal))
    with pytest.raises(FileExistsError):
        write_reveal(path, kept)
    path.chmod(0o644)
    for unusable in (path, tmp_path / "none.json"):
        with pytest.raises(InputError, match="secret") as caught:
            read_reveal(unusable)
        assert "随机数文件" in caught.value.message_zh


def test_a_secret_is_of_no_use_in_another_draw() -> None:
    other = plan_draw("R51 单位抽查：涉权事项 min-zheng 2018 #2", ITEMS, 30, ("ji", "shu"))
    with pytest.raises(InputError):
        make_reveal(PLAN, "ji", "").commitment(other)


def test_two_secrets_are_never_the_same() -> None:
    made = {make_reveal(PLAN, "ji", "6").reveal.nonce for _ in range(3)}
    assert len(made) == 3
    with pytest.raises(InputError):
        make_reveal(PLAN, "ji", "长" * 22)
