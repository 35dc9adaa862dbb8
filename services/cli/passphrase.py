"""A passphrase from an owner-only file or from the keyboard; never from the command line."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from libmatch.errors import InputError
from services.chassis.config import read_secret

MIN_LENGTH = 8


def read_passphrase(file: Path | None, prompt_zh: str, *, new: bool = False) -> str:
    """The first line of ``file``, or what is typed without an echo; a new one is typed twice.

    Raises ConfigError for a file that others can read, InputError for none, an empty or a short one.
    """
    text = _from_file(file) if file is not None else _from_keyboard(prompt_zh, twice=new)
    if not text:
        raise InputError("the passphrase is empty", "口令不能为空")
    if new and len(text) < MIN_LENGTH:
        raise InputError(
            f"a passphrase has at least {MIN_LENGTH} characters", f"口令至少 {MIN_LENGTH} 个字符"
        )
    return text


def _from_file(file: Path) -> str:
    try:
        return read_secret(file).decode("utf-8").split("\n", 1)[0].rstrip("\r")
    except UnicodeDecodeError:
        raise InputError("the passphrase file is not UTF-8", f"{file}：不是 UTF-8 文本") from None


def _from_keyboard(prompt_zh: str, *, twice: bool) -> str:
    if not sys.stdin.isatty():
        raise InputError(
            "no terminal to type a passphrase",
            "没有可输入口令的终端；请用 --passphrase-file 指定文件",
        )
    text = getpass.getpass(f"{prompt_zh}：")
    if twice and getpass.getpass(f"再次输入{prompt_zh}：") != text:
        raise InputError("the two passphrases differ", "两次输入的口令不一致")
    return text
