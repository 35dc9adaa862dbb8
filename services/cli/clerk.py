"""What a clerk's commands have in common: settings, connection, import with progress, tables."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from libmatch.china_time import CHINA
from libmatch.errors import InputError, ServiceError
from services.chassis.client import Channel, open_channel
from services.chassis.config import PeerSettings, Section, TlsSettings, load_settings
from services.chassis.owner_files import write_new
from services.cli.exits import Exit
from services.cli.peers import ImportReport, SyncReport

ENV_PREFIX = "LIBMATCH_CLERK"
_SHOWN = 200  # problems a file on the terminal; the problem file has them all
_REF = 32  # hex digits of a reference, which people copy
_COPIED = re.compile(f"[0-9a-f]{{{_REF}}}")
_NARROWEST = 8  # of other columns

Config = Annotated[
    Path, typer.Option("--config", metavar="文件", help="经办人配置文件（.toml），由管理员提供")
]
Files = Annotated[list[Path], typer.Argument(metavar="文件…", help="表格（.xlsx .xls .et .csv）")]
Reason = Annotated[str, typer.Option("--reason", metavar="原因", help="撤回原因，记入审计记录")]

LookReason = Annotated[
    str, typer.Option("--reason", metavar="原因", help="查看原因，记入审计记录；已设三员的单位必填")
]


class ClerkSettings(Section):
    """Which service a clerk talks to, and with which certificate."""

    server: PeerSettings
    tls: TlsSettings


class Importer(Protocol):
    """What both clients can do with a sheet."""

    def import_sheet(
        self, name: str, data: bytes, progress: Callable[[int], None]
    ) -> ImportReport: ...

    def sync(self) -> SyncReport: ...


@contextmanager
def connect(config: Path) -> Iterator[Channel]:
    """The channel to the unit's own service. Raises ConfigError."""
    settings = load_settings(ClerkSettings, config, ENV_PREFIX)
    with open_channel(settings.server, settings.tls) as channel:
        yield channel


def console() -> Console:
    """Standard output, without interpretation of what the data hold."""
    return Console(highlight=False, markup=False, emoji=False)


def import_files(client: Importer, files: Sequence[Path]) -> None:
    """Imports every file, tells what was taken and where the rest is to be mended.

    A file that cannot be used at all does not keep the others out. Raises typer.Exit unless every row of
    every file was taken: REFUSED where no file could be used, else PARTIAL.
    """
    reports = [_import(client, path) for path in files]
    usable = [report for report in reports if report is not None]
    if not usable:
        raise typer.Exit(Exit.REFUSED)
    if len(usable) < len(files) or any(report.refused for report in usable):
        raise typer.Exit(Exit.PARTIAL)


def _import(client: Importer, path: Path) -> ImportReport | None:
    """The report on one file; None, after saying why, where it cannot be used."""
    data = path.read_bytes()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    screen = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task(f"正在导入 {path.name}", total=max(len(data), 1))
        try:
            report = client.import_sheet(path.name, data, lambda size: progress.advance(task, size))
        except ServiceError as error:
            if error.status != "INVALID_ARGUMENT":
                raise
            progress.stop()
            typer.echo(f"错误：{path.name}：{error.message_zh or error.message}", err=True)
            return None
    _tell_import(path, report)
    return report


def _tell_import(path: Path, report: ImportReport) -> None:
    screen = console()
    screen.print(
        f"{path.name}：共{report.total - report.skipped}行，采纳{report.accepted}行，"
        f"未采纳{report.refused}行（表头、空行、示例、合计、说明不计）；"
        f"新增{report.new}条，变更{report.changed}条，未变{report.unchanged}条",
        soft_wrap=True,
    )
    for notice in report.notices:
        screen.print(f"  提示：{notice}", soft_wrap=True)
    for problem in report.problems[:_SHOWN]:
        screen.print(f"  未采纳：{problem}", soft_wrap=True)
    if len(report.problems) > _SHOWN:
        screen.print(f"  还有{len(report.problems) - _SHOWN}处，见问题文件", soft_wrap=True)
    if report.problem_file:
        written = write_problem_file(path, report.problem_file)
        screen.print(f"  待改正的行：{written}（改好后可重新导入）", soft_wrap=True)


def write_problem_file(path: Path, data: bytes) -> Path:
    """Where the rows to correct were written: beside ``path``, never over a file somebody may edit."""
    for number in range(1, 1000):
        target = path.with_name(f"{path.stem}.问题{number if number > 1 else ''}.xlsx")
        try:
            write_new(target, data)
        except FileExistsError:
            continue
        return target
    raise FileExistsError(errno.EEXIST, "too many problem files", str(path))


def tell_sync(report: SyncReport) -> None:
    """Says what a round came to. Raises typer.Exit where something still waits to be sent."""
    screen = console()
    screen.print(
        f"已发送{report.batches}批{report.records}条，撤回{report.withdrawn}条，"
        f"收到通知{report.notices}件"
    )
    if report.waiting:
        screen.print(
            f"还有{report.waiting}批待发送：暂时连不上比对平台；数据已保存，服务会自动重发"
        )
        raise typer.Exit(Exit.SERVICE)


def show_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on the terminal, or a line where it has no rows. References stay whole, other texts fold."""
    if not rows:
        console().print(f"{title}：没有记录")
        return
    screen, table = console(), Table(title=title)
    copied = [any(_COPIED.fullmatch(row[at]) for row in rows) for at in range(len(headings))]
    for heading, whole in zip(headings, copied, strict=True):
        table.add_column(heading, no_wrap=whole, overflow="fold", min_width=_REF if whole else None)
    for row in rows:
        table.add_row(*row)
    # A terminal breaks long lines; a number that is cut off cannot be handed to the next command.
    least = sum(_REF if whole else _NARROWEST for whole in copied) + 3 * len(headings) + 1
    screen.width = max(screen.width, least)
    screen.print(table)
    screen.print(f"共{len(rows)}条")


def moment_zh(moment_us: int) -> str:
    """A moment in microseconds UTC as clerks read it, "" for 0."""
    if not moment_us:
        return ""
    return f"{datetime.fromtimestamp(moment_us / 1e6, CHINA):%Y-%m-%d %H:%M}"


def yuan(amount_fen: int | None) -> str:
    """An amount in yuan with two decimals, "" for none."""
    return "" if amount_fen is None else f"{amount_fen // 100}.{amount_fen % 100:02d}"


def parse_ref(text: str) -> bytes:
    """The 16 bytes of a reference as lists show it. Raises InputError."""
    try:
        ref = bytes.fromhex(text)
    except ValueError:
        ref = b""
    if len(ref) != 16:
        raise InputError("a reference is 32 hex digits", "编号应为列表中显示的32位字符")
    return ref
