"""Help pages in Chinese: the fixed words of the command line's library, and columns of wide characters."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import typer

_Plain = typer.Context.formatter_class
_HEADINGS = {"Arguments": "参数", "Commands": "命令", "Options": "选项"}
_USAGE = {"[OPTIONS]": "[选项]", "COMMAND [ARGS]...": "命令 [参数]…"}
_SHOWN = "Show this message and exit."
_NOTES = {"required": "必填", "default: ": "默认："}
_TYPES = {"path": "（文件）", "int": "（整数）", "float": "（数）", "str": ""}


def speak_chinese(command: Any) -> Any:
    """``command`` itself; its help, and that of the commands below it, is in Chinese."""
    command.context_class = _Context
    for below in getattr(command, "commands", {}).values():
        speak_chinese(below)
    return command


class _Help(_Plain):  # type: ignore[misc,valid-type]  # the base is an attribute of the library
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:  # noqa: ARG002
        for word, word_zh in _USAGE.items():
            args = args.replace(word, word_zh)
        self.write(f"用法：{prog} {args}\n")

    def write_heading(self, heading: str) -> None:
        self.write(f"{_HEADINGS.get(heading, heading)}：\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], *_: object, **__: object) -> None:
        """Two columns. A Chinese character takes two places, which the library does not know."""
        from rich.console import Console
        from rich.padding import Padding
        from rich.table import Table

        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(max_width=self.width // 2, overflow="fold")
        table.add_column(ratio=1, overflow="fold")
        for name, text in rows:
            table.add_row(_type_to_zh(name), _note_to_zh(text))
        page = Console(file=io.StringIO(), width=self.width, markup=False, highlight=False)
        with page.capture() as capture:
            page.print(Padding(table, (0, 0, 0, self.current_indent)))
        self.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


class _Context(typer.Context):
    formatter_class = _Help


def _to_zh(text: str, words: dict[str, str]) -> str:
    for word, word_zh in words.items():
        text = text.replace(word, word_zh)
    return text


def _type_to_zh(name: str) -> str:
    """``名称 <list[Path]>`` → ``名称（文件）``; choices in such brackets stay."""
    found = re.fullmatch(r"(.*) <(?:list\[)?(\w+)\]?>", name)
    return found[1] + _TYPES[found[2].lower()] if found and found[2].lower() in _TYPES else name


def _note_to_zh(text: str) -> str:
    """Only what stands in the brackets behind a text is the library's: the text itself is ours."""
    if text == _SHOWN:
        return "显示本说明"
    return re.sub(r"\[[^]]*\]$", lambda found: _to_zh(found[0], _NOTES), text)
