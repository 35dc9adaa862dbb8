"""Packaged and supplied TOML -> typed values, with errors that name the entry.

Dates, numbers and words are checked here once; what they mean is checked by who asks for them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from importlib.resources import files
from typing import TypeVar

from services.rules.violation import RuleDataError

_Word = TypeVar("_Word", bound=StrEnum)
_REQUIRED = object()


def packaged_text(name: str) -> str:
    """The text of ``services/rules/data/<name>``."""
    return files("services.rules").joinpath("data", name).read_text("utf-8")


def parse_entries(text: str, key: str, name_key: str) -> tuple[Entry, ...]:
    """The tables ``[[key]]`` of a TOML text; nothing else may stand in it. Raises RuleDataError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleDataError(f"not TOML: {error}", f"不是有效的TOML文件：{error}") from None
    if unknown := sorted(document.keys() - {key}):
        raise _refused(key, f"unknown key {unknown[0]!r}", f"有不认识的项“{unknown[0]}”")
    tables = document.get(key)
    if not isinstance(tables, list) or not tables:
        raise _refused(key, "no entries", "没有任何条目")
    return tuple(Entry(key, name_key, table) for table in tables)


class Entry:
    """One table of a data file. Each getter raises RuleDataError naming file part, entry and key."""

    def __init__(self, part: str, name_key: str, table: object) -> None:
        if not isinstance(table, Mapping):
            raise _refused(part, "an entry is a table", "条目应为表")
        self._table: Mapping[str, object] = table
        self._where = f"{part} {table.get(name_key, '?')}"

    def keys(self) -> frozenset[str]:
        """The keys that the entry has."""
        return frozenset(self._table)

    def allow(self, keys: Iterable[str]) -> None:
        """Nothing, if the entry has no key but these: a mistyped key must not be a silent default."""
        if unknown := sorted(self.keys() - set(keys)):
            raise self.refuse(f"unknown key {unknown[0]!r}", f"有不认识的项“{unknown[0]}”")

    def text(self, key: str) -> str:
        """A text that is not blank."""
        value = self._value(key, _REQUIRED)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a text that is not blank", "非空文字")
        return value

    def optional_text(self, key: str) -> str | None:
        """A text that is not blank; None where the key is absent."""
        return self.text(key) if key in self._table else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where the key is absent."""
        value = self._value(key, [])
        if not isinstance(value, list):
            raise self._wrong(key, "a list of texts", "文字列表")
        texts = tuple(item for item in value if isinstance(item, str) and item.strip())
        if len(texts) != len(value):
            raise self._wrong(key, "a list of texts", "文字列表")
        return texts

    def whole(self, key: str) -> int:
        """A whole number."""
        value = self._value(key, _REQUIRED)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "a whole number", "整数")
        return value

    def flag(self, key: str) -> bool:
        """true or false."""
        value = self._value(key, _REQUIRED)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", "true或false")
        return value

    def day(self, key: str) -> date:
        """A date without a time."""
        value = self._value(key, _REQUIRED)
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self._wrong(key, "a date such as 2018-09-30", "日期，如2018-09-30")
        return value

    def optional_day(self, key: str) -> date | None:
        """A date without a time; None where the key is absent."""
        return self.day(key) if key in self._table else None

    def word(self, key: str, words: type[_Word]) -> _Word:
        """One of the values of ``words``."""
        return self._word(key, self._value(key, _REQUIRED), words)

    def words(self, key: str, words: type[_Word]) -> tuple[_Word, ...]:
        """A list of values of ``words``; empty where the key is absent."""
        return tuple(self._word(key, text, words) for text in self.texts(key))

    def parts(self, key: str, name_key: str) -> tuple[Entry, ...]:
        """The tables under ``key``; at least one."""
        value = self._value(key, _REQUIRED)
        if not isinstance(value, list) or not value:
            raise self._wrong(key, "a list of tables", "表的列表")
        return tuple(Entry(f"{self._where} {key}", name_key, table) for table in value)

    def refuse(self, message: str, message_zh: str) -> RuleDataError:
        """The error about this entry, for the caller to raise."""
        return _refused(self._where, message, message_zh)

    def _value(self, key: str, default: object) -> object:
        value = self._table.get(key, default)
        if value is _REQUIRED:
            raise self.refuse(f"{key!r} is missing", f"缺少“{key}”")
        return value

    def _word(self, key: str, value: object, words: type[_Word]) -> _Word:
        found = {str(word): word for word in words}.get(value if isinstance(value, str) else "")
        if found is None:
            choices = "、".join(words)
            raise self._wrong(key, f"one of: {choices}", f"以下之一：{choices}")
        return found

    def _wrong(self, key: str, wanted: str, wanted_zh: str) -> RuleDataError:
        return self.refuse(f"{key!r} is {wanted}", f"“{key}”应为{wanted_zh}")


def _refused(where: str, message: str, message_zh: str) -> RuleDataError:
    return RuleDataError(f"{where}: {message}", f"规则数据“{where}”：{message_zh}")
