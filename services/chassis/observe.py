"""Structured logs: one JSON object a line, to standard error or a file, without personal data.

The rule is that nobody logs contents. The guard here is the second line of defence: it removes from
every record, ours and other libraries', whatever is shaped like an identity number, a passport, a
phone or a bank card. It cannot know a name, so texts of exceptions are not logged at all, only their
types and the places they came through.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable, Mapping, MutableMapping
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

from libmatch.errors import LibmatchError
from services.chassis.config import LogSettings
from services.chassis.refusals import ChassisError, ServiceError

REMOVED = "[removed]"

# A mobile number has eleven digits; identity numbers and bank cards more.
_RUN = re.compile(r"\d{11}")
_SPACED = re.compile(r"(?<![0-9A-Za-z])(?:\d[ \-]?){10,}\d[ \-]?[Xx]?(?![0-9A-Za-z])")
_WORD = re.compile(r"[0-9A-Za-z]{8,}")
# Passports and travel permits: one or two letters, seven to nine digits.
_PASSPORT = re.compile(r"[A-Za-z]{1,2}\d{7,9}\Z")
# Digests and record ids of ours: lower-case hex, of lengths that no identifier or card has.
_HEX = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\Z")
_ELEVEN_DIGITS = 10_000_000_000

# No digits (they could look like an identifier to the guard), no vowels (they could be a word).
_ID_LETTERS = "bcdfghjkmnpqrstvwxz"


def random_id() -> str:
    """Twelve letters, 50 random bits: an id for one request or one error, which the guard passes."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(12))


def scrub_text(text: str) -> str:
    """``text`` without anything shaped like a person's or a company's number."""
    normal = unicodedata.normalize("NFKC", text)  # full-width digits are digits
    clean = _SPACED.sub(_scrub_spaced, _WORD.sub(_scrub_word, normal))
    return text if clean == normal else clean


def _scrub_spaced(match: re.Match[str]) -> str:
    return match[0] if _HEX.match(match[0]) else REMOVED


def _scrub_word(match: re.Match[str]) -> str:
    word = match[0]
    if _HEX.match(word):
        return word
    digits = sum(character.isdigit() for character in word)
    is_code = 15 <= len(word) <= 20 and digits >= 6  # 居民身份证, 永久居留证, 统一社会信用代码
    return REMOVED if is_code or _RUN.search(word) or _PASSPORT.match(word) else word


def scrub(value: Any) -> Any:
    """``value`` as it may be logged: texts scrubbed, bytes as a length, objects as their type."""
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) < _ELEVEN_DIGITS else REMOVED
        case float():
            return round(value, 6)
        case str():
            return scrub_text(value)
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case Mapping():
            return {scrub_text(str(key)): scrub(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [scrub(item) for item in value]
        case date():  # datetime too
            return value.isoformat()
        case Path():
            return scrub_text(str(value))
    return f"<{type(value).__name__}>"


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Types and places of ``error`` and of what caused it; texts only of our own refusals.

    Our own messages hold no values by rule; those of others may repeat what a person entered.
    """
    chain: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(chain) < 8:
        own = isinstance(seen, LibmatchError | ChassisError | ServiceError)
        chain.append(f"{type(seen).__name__}: {seen}" if own else type(seen).__name__)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return {"error": chain, "at": _places(error.__traceback__)}


def _places(trace: TracebackType | None) -> list[str]:
    places: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        path = "/".join(Path(code.co_filename).parts[-3:])
        places.append(f"{path}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-20:]


def configure_logging(
    settings: LogSettings, service: str, now: Callable[[], datetime]
) -> Callable[[], None]:
    """A function that undoes this: from now on every log record of this process, also of other
    libraries, goes through the guard to where ``settings`` say.
    """
    sink = _sink(settings)
    level = logging.getLevelNamesMapping()[settings.level.upper()]

    def stamp(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    def finish(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        clean: dict[str, Any] = {"time": now().isoformat(timespec="milliseconds")}
        clean.update(scrub(event))
        return clean

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamp,
            _render_exception,
            finish,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Writer(sink),
        cache_logger_on_first_use=False,
    )
    restore = _route_others()

    def undo() -> None:
        restore()
        structlog.reset_defaults()
        if settings.file is not None:
            sink.close()

    return undo


def _sink(settings: LogSettings) -> logging.Handler:
    if settings.file is None:
        return logging.StreamHandler(sys.stderr)
    descriptor = os.open(settings.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.close(descriptor)
    # Follows rotation by name; ``delay`` because the file was just made with its own mode.
    return logging.handlers.WatchedFileHandler(settings.file, delay=True, encoding="utf-8")


class _Writer:
    """The end of structlog's chain: one line to the sink, whatever the level was."""

    def __init__(self, sink: logging.Handler) -> None:
        self._sink = sink

    def msg(self, line: str) -> None:
        self._sink.handle(logging.makeLogRecord({"msg": line}))

    debug = info = warning = error = critical = msg


def _render_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> Any:
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = describe_exception(error)
    return event


class _Others(logging.Handler):
    """Takes the standard library's records, which is how grpc and alembic log.

    The text of grpc's records can hold that of a handler's exception; only their place is kept.
    """

    def emit(self, record: logging.LogRecord) -> None:
        text = "" if record.name.startswith("grpc") else record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        place = f"{record.module}:{record.lineno}"
        log = structlog.get_logger()
        log.log(
            record.levelno, "library", logger=record.name, place=place, text=text, exc_info=error
        )


def _route_others() -> Callable[[], None]:
    root = logging.getLogger()
    handler, level, hook = _Others(logging.WARNING), root.level, threading.excepthook
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    threading.excepthook = _log_thread_failure

    def restore() -> None:
        root.removeHandler(handler)
        root.setLevel(level)
        threading.excepthook = hook

    return restore


def _log_thread_failure(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else ""
    structlog.get_logger().error("thread.failed", thread=name, exc_info=args.exc_value)
