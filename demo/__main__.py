"""``python -m demo --officials N --items N --out DIR``: the main job on a synthetic district (make demo)."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from demo.failure import DemoFailure
from demo.report import show_parties, show_result, write_report
from demo.run import run_demo
from demo.stages import Stages
from demo.workplace import open_workplace
from demo.world import Options

OK, NOT_OK, FAILED, USAGE = 0, 1, 3, 2
_WIDTH = 110  # columns of a table in a file
_INTERRUPTED = 130  # as shells have it


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 all as it must be, 1 something is not, 3 the run could not go on, 130 interrupted."""
    arguments = _parse(argv)
    width = None if sys.stdout.isatty() else _WIDTH
    console = Console(highlight=False, markup=False, emoji=False, width=width)
    for number in (signal.SIGTERM, signal.SIGHUP):  # so that services end with us, in order
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)
    options = Options(arguments.officials, arguments.items, arguments.seed, arguments.kill_matcher)
    try:
        return _run(options, arguments.out, console)
    except DemoFailure as failure:
        return _fail(console, failure.message_zh, failure.log)
    except KeyboardInterrupt:
        console.print("已中断，各服务已结束")
        return _INTERRUPTED
    except OSError as error:
        return _fail(console, f"{error.strerror}：{error.filename or ''}", None)
    except Exception as error:  # noqa: BLE001  # the outermost edge
        return _fail(console, f"程序内部错误 {type(error).__name__}", _keep_trace(arguments.out))


def _fail(console: Console, message_zh: str, log: Path | None) -> int:
    console.print(f"演示没有完成：{message_zh}", soft_wrap=True)
    if log is not None:
        console.print(f"请看日志：{log}", soft_wrap=True)
    console.print("NOT OK")
    return FAILED


def _keep_trace(out: Path) -> Path:
    """The file with the trace of the error being handled."""
    path = out.absolute() / "logs" / "demo.stderr"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(traceback.format_exc(), encoding="utf-8")
    return path


def _run(options: Options, out: Path, console: Console) -> int:
    with open_workplace(out) as place:
        with Stages(console) as stages:
            findings = run_demo(options, place, stages, lambda: datetime.now(UTC))
        write_report(place.report, findings)
        show_parties(console, findings.parties)
        show_result(console, findings, place)
    return OK if findings.ok else NOT_OK


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="libmatch on a synthetic district"
    )
    parser.add_argument("--officials", type=_count, default=2000, help="officials who report")
    parser.add_argument("--items", type=_count, default=5000, help="grants and contracts")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another district")
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="where to write")
    parser.add_argument(
        "--kill-matcher",
        action="store_true",
        help="kill -9 the matcher in the middle of the upload",
    )
    return parser.parse_args(argv)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
