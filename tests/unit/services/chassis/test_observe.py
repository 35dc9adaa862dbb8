"""services.chassis.observe: no number of a person or a company reaches a log."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from libmatch.errors import BatchError
from services.chassis.config import LogSettings
from services.chassis.observe import REMOVED, configure_logging, random_id, scrub, scrub_text

_ID = "11010119900307775X"


def _now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "service.log"
    undo = configure_logging(LogSettings(file=path), "matcher", _now)
    yield path
    undo()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    "secret",
    [
        _ID,
        _ID.lower(),
        "110101900307775",  # 15 digits
        "１１０１０１１９９００３０７７７５Ｘ",
        "110101 19900307 775X",
        "110101-1990-0307-775X",
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+8613812345678",
        "6222021234567890123",
        "6222 0212 3456 7890 123",
        "E12345678",
        "EA1234567",
        "H1234567890"[:10],
        "91500102MA5U0ABC1D",  # a unified social credit code
        "FRA123456789012",  # a permanent residence permit, old form
        "ID11010119900307775X",
        "911101017000000000",
    ],
)
def test_number_of_a_person_or_company_is_removed(secret: str) -> None:
    for text in (secret, f"前{secret}后", f"value={secret};", f'{{"id": "{secret}"}}'):
        assert REMOVED in scrub_text(text)
        assert secret not in scrub_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T07:29:08.855+00:00",
        "2026-11-24 07:29",
        "127.0.0.1:40123",
        "/libmatch.matcher.v1.Intake/SubmitBatch",
        "ff8872f2e47564591f0e5751d7bddd138789519df7975aea9d549d7d97fbe92f",
        "0123456789012345678901234567890a",
        "01234567890123456789012345678901",  # a record id can come out without a letter
        "batch 12 of 2048 rows, 1234567890 bytes",
        "涪陵区财政局",
        "services/chassis/guard.py:101 behaviour",
    ],
)
def test_what_operators_need_stays(text: str) -> None:
    assert scrub_text(text) == text


@given(st.integers(10**10, 10**19), st.text(st.characters(exclude_categories=["Nd"]), max_size=5))
def test_eleven_digits_never_pass_whatever_surrounds_them(number: int, around: str) -> None:
    assert str(number) not in scrub_text(f"{around}{number}{around}")


@pytest.mark.parametrize(
    "value",
    [int(_ID[:-1]), [_ID], (_ID,), {_ID}, {"k": _ID}, {_ID: 1}, {"a": [{"b": _ID}]}, Path(_ID)],
)
def test_numbers_are_removed_at_every_depth(value: Any) -> None:
    assert _ID[:-1] not in repr(scrub(value))


def test_bytes_and_objects_are_not_shown() -> None:
    class Record:
        def __repr__(self) -> str:
            return "张三"

    assert scrub(b"abc") == "<3 bytes>"
    assert scrub(Record()) == "<Record>"


def test_random_id_passes_the_guard() -> None:
    for _ in range(200):
        assert scrub_text(random_id()) != REMOVED


def test_record_is_one_json_line_with_time_service_and_level(log_file: Path) -> None:
    structlog.get_logger().info("ready", address="127.0.0.1:1", name="财政局")
    (line,) = _lines(log_file)
    assert line["time"] == "2026-01-02T03:04:05.678+00:00"
    assert (line["event"], line["level"], line["service"]) == ("ready", "info", "matcher")
    assert line["name"] == "财政局"


def test_log_file_is_the_owner_s(log_file: Path) -> None:
    assert log_file.stat().st_mode & 0o777 == 0o600


def test_exception_is_logged_by_type_and_place_without_its_text(log_file: Path) -> None:
    try:
        try:
            raise KeyError("张三")
        except KeyError as error:
            raise ValueError(f"李四 {_ID}") from error
    except ValueError:
        structlog.get_logger().error("failed", exc_info=True)
    text = log_file.read_text(encoding="utf-8")
    assert "张三" not in text
    assert "李四" not in text
    (line,) = _lines(log_file)
    assert line["exception"]["error"] == ["ValueError", "KeyError"]
    assert "test_observe.py" in line["exception"]["at"][0]


def test_our_own_refusal_is_logged_with_its_text(log_file: Path) -> None:
    structlog.get_logger().error("failed", exc_info=BatchError("root does not match"))
    assert _lines(log_file)[0]["exception"]["error"] == ["BatchError: root does not match"]


def test_records_of_libraries_pass_the_guard(log_file: Path) -> None:
    logging.getLogger("sqlalchemy.pool").warning("lost %s", _ID)
    (line,) = _lines(log_file)
    assert line["text"] == f"lost {REMOVED}"
    assert line["logger"] == "sqlalchemy.pool"


def test_text_of_grpc_s_records_is_dropped(log_file: Path) -> None:
    logging.getLogger("grpc._server").error("Exception calling application: 张三")
    assert "张三" not in log_file.read_text(encoding="utf-8")
    assert _lines(log_file)[0]["logger"] == "grpc._server"


def test_failure_of_a_thread_is_logged_without_its_text(log_file: Path) -> None:
    def fail() -> None:
        raise ValueError("张三")

    thread = threading.Thread(target=fail, name="t")
    thread.start()
    thread.join()
    (line,) = _lines(log_file)
    assert line["exception"]["error"] == ["ValueError"]
    assert "张三" not in json.dumps(line, ensure_ascii=False)


def test_level_below_the_set_one_is_not_written(log_file: Path) -> None:
    structlog.get_logger().debug("detail")
    assert log_file.read_text() == ""


def test_rotated_file_is_followed(log_file: Path, tmp_path: Path) -> None:
    structlog.get_logger().info("before")
    log_file.rename(tmp_path / "old.log")
    structlog.get_logger().info("after")
    assert [line["event"] for line in _lines(log_file)] == ["after"]
