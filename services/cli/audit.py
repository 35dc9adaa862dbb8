"""``libmatch audit …``: the audit administrator verifies and reads the trail of a service's database.

Offline and read-only, on the database file of any service; it shows no business data (R63, R64).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from libmatch.errors import InputError
from services.cli.clerk import console, show_table
from services.cli.nouns import NOUNS, new_app

if TYPE_CHECKING:
    from services.chassis.audit import AuditEntry, Head
    from services.chassis.db import Database

_CHUNK = 1000
_CHINA = timezone(timedelta(hours=8))

DatabaseFile = Annotated[
    Path, typer.Option("--database", metavar="文件", help="服务的数据库文件（.db）")
]


def register(app: typer.Typer) -> None:
    """Adds the noun ``audit``."""
    group = new_app(NOUNS["audit"])
    group.command("verify")(verify)
    group.command("show")(show)
    app.add_typer(group, name="audit")


def verify(
    database: DatabaseFile,
    remembered: Annotated[
        str,
        typer.Option("--head", metavar="末端", help="以前记下的末端（序号:摘要），用来发现截断"),
    ] = "",
) -> None:
    """核验审计记录没有被改动、删除或插入，并显示末端。请把末端另行保存。"""
    from services.chassis.audit import head, verify_trail

    expected = _parse_head(remembered)
    with _open(database) as opened:
        opened.read(lambda session: verify_trail(session, expected))
        found = opened.read(head)
    console().print(f"审计记录完整，共{found.seq}条", soft_wrap=True)
    console().print(f"末端：{found}", soft_wrap=True)


def show(
    database: DatabaseFile,
    subject: Annotated[
        str, typer.Option("--subject", metavar="对象", help="只列出关于该编号的记录")
    ] = "",
    actor: Annotated[
        str, typer.Option("--actor", metavar="登录名", help="只列出该登录名的记录")
    ] = "",
) -> None:
    """列出审计记录：何人、何时、为何、对何编号做了什么、结果如何。"""
    with _open(database) as opened:
        found = [
            _row(entry)
            for entry in _entries(opened)
            if subject in ("", entry.subject) and actor in ("", entry.actor.rpartition("/")[2])
        ]
    show_table("审计记录", ("序号", "时间", "何人", "操作", "对象", "原因", "结果"), found)


def _open(path: Path) -> Database:
    """The database, read-only. Raises InputError where it cannot be used."""
    from services.chassis.db import Database, DatabaseError

    try:
        return Database(f"sqlite:///{path.absolute()}", read_only=True)
    except DatabaseError as error:
        raise InputError(str(error), f"{path}：不能作为服务的数据库打开（{error}）") from None


def _entries(database: Database) -> Iterator[AuditEntry]:
    from services.chassis.audit import entries

    after = 0
    while chunk := database.read(lambda session: entries(session, after, _CHUNK)):  # noqa: B023
        yield from chunk
        after = chunk[-1].seq


def _parse_head(text: str) -> Head | None:
    from services.chassis.audit import Head

    if not text:
        return None
    try:
        return Head.parse(text)
    except ValueError:
        raise InputError("not a head", "末端应为“序号:64位摘要”，请照原样填写") from None


def _row(entry: AuditEntry) -> tuple[str, ...]:
    at = entry.at.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")
    who = entry.actor.removeprefix("spiffe://")
    return (str(entry.seq), at, who, entry.action, entry.subject, entry.reason, entry.outcome)
