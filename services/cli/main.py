"""``libmatch``: the outermost edge of the command line.

Whatever happens inside, the person sees lines of Chinese on standard error and gets an exit code.
Everything but the standard library is imported inside, so that a missing component is one clear line.
"""

from __future__ import annotations

import io
import os
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

_ID_LETTERS = "bcdfghjkmnpqrstvwxz"  # no digits, no vowels: neither a number nor a word


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of one run (``services.cli.exits``). Raises nothing."""
    args = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a terminal of another encoding must not end the run
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(args)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except BaseException as error:  # noqa: BLE001  # the outermost edge
        return _fail(error)


def _run(args: list[str]) -> int:
    os.environ.setdefault("TYPER_USE_RICH", "0")  # plain help: quick, and fit for any terminal
    from typer import Abort
    from typer.exceptions import TyperException

    from services.cli.nouns import root

    try:
        code = root().main(args, prog_name="libmatch", standalone_mode=False)
    except Abort:
        _print_error(["已取消"])
        return 130
    except TyperException as error:
        return _fail_usage(error)
    return code if isinstance(code, int) else 0


def _fail_usage(error: Exception) -> int:
    from services.cli.exits import Exit
    from services.cli.failures import usage_lines

    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error, file=sys.stderr)
    else:
        _print_error(list(usage_lines(error, context.command_path if context else "libmatch")))
    return Exit.USAGE


def _fail(error: BaseException) -> int:
    from services.cli.failures import explain, explain_unforeseen

    failure = explain(error)
    if failure is None:
        error_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
        failure = explain_unforeseen(error, error_id, datetime.now(UTC))
    _print_error(list(failure.lines))
    return failure.code


def _print_error(lines: list[str]) -> None:
    for position, line in enumerate(lines):
        print(f"错误：{line}" if position == 0 else f"  {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
