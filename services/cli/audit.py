"""``libmatch audit …``: the audit administrator verifies and reads the trail of a service (R63, R64).

``verify`` and ``show`` work offline and read-only on the database of any service; ``head`` and ``trail``
ask a unit's running service with the administrator's certificate. No business data is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from libmatch.china_time import CHINA
from libmatch.errors import InputError
from services.cli.clerk import Config, connect, console, show_table
from services.cli.nouns import NOUNS, new_app
from services.cli.peers.rights import TrailClient

if TYPE_CHECKING:
    from services.chassis.audit import AuditEntry, Head
    from services.chassis.db import Database

_CHUNK = 1000
_HEADINGS = ("序号", "时间", "何人", "操作", "对象", "原因", "结果")

_NO_FILE = "须是服务的数据库文件（.db），且只有本人可读写（chmod 600）"
_NO_SERVER = (
    "数据库不能打开：地址中不得有口令（放入只有本人可读写的文件，用 --password-file 指出）；"
    "经网络连接须有 sslmode=verify-full 和 sslrootcert；服务器须可连接"
)

Where = Annotated[
    str,
    typer.Option(
        "--database", metavar="文件", help="服务的数据库文件（.db），或 postgresql:// 开头的地址"
    ),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="文件", help="存放数据库口令的文件，只有本人可读写"),
]


def register(app: typer.Typer) -> None:
    """Adds the noun ``audit``."""
    group = new_app(NOUNS["audit"])
    group.command("verify")(verify)
    group.command("show")(show)
    group.command("head")(show_head)
    group.command("trail")(show_trail)
    app.add_typer(group, name="audit")


def verify(
    database: Where,
    remembered: Annotated[
        str,
        typer.Option("--head", metavar="末端", help="以前记下的末端（序号:摘要），用来发现截断"),
    ] = "",
    heads: Annotated[
        Path | None,
        typer.Option(
            "--heads", metavar="文件", help="服务逐日记下末端的文件（配置项 audit_heads）"
        ),
    ] = None,
    password_file: PasswordFile = None,
) -> None:
    """核验审计记录没有被改动、删除或插入，并显示末端。请把末端另行保存。"""
    from services.chassis.audit import head, verify_trail
    from services.chassis.audit_heads import read_heads

    expected = [_parse_head(remembered)]
    daily = read_heads(heads) if heads else []
    expected += [line.head for line in daily]
    with _open(database, password_file) as opened:
        opened.read(lambda session: verify_trail(session, *expected))
        found = opened.read(head)
    console().print(f"审计记录完整，共{found.seq}条", soft_wrap=True)
    if daily:
        last = daily[-1].at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
        console().print(f"与文件中的{len(daily)}个末端一致，最近一个记于{last}", soft_wrap=True)
    console().print(f"末端：{found}", soft_wrap=True)


def show(
    database: Where,
    subject: Annotated[
        str, typer.Option("--subject", metavar="对象", help="只列出关于该编号的记录")
    ] = "",
    actor: Annotated[
        str, typer.Option("--actor", metavar="登录名", help="只列出该登录名的记录")
    ] = "",
    password_file: PasswordFile = None,
) -> None:
    """列出审计记录：何人、何时、为何、对何编号做了什么、结果如何。"""
    with _open(database, password_file) as opened:
        found = [
            _row(entry)
            for entry in _entries(opened)
            if subject in ("", entry.subject) and actor in ("", entry.actor.rpartition("/")[2])
        ]
    show_table("审计记录", _HEADINGS, found)


def show_head(config: Config) -> None:
    """显示本单位服务审计记录的末端（序号:摘要）。请另行保存，供以后核验。"""
    with connect(config) as channel:
        seq, digest = TrailClient(channel).head()
    console().print(f"末端：{seq}:{digest.hex()}", soft_wrap=True)


def show_trail(
    config: Config,
    after: Annotated[int, typer.Option("--after", metavar="序号", min=0, help="只列出其后的")] = 0,
    subject: Annotated[
        str, typer.Option("--subject", metavar="对象", help="只列出关于该编号的记录")
    ] = "",
    actor: Annotated[
        str, typer.Option("--actor", metavar="登录名", help="只列出该登录名的记录")
    ] = "",
    action: Annotated[
        str, typer.Option("--action", metavar="操作", help="只列出该操作的记录")
    ] = "",
    refused: Annotated[bool, typer.Option("--refused", help="只列出被拒绝的")] = False,
) -> None:
    """列出本单位服务的审计记录。查看本身也会记入审计记录。"""
    with connect(config) as channel:
        lines = TrailClient(channel).read(
            after=after, subject=subject, login=actor, action=action, refused=refused
        )
        rows = [
            (
                *(str(line.seq), _moment(line.at_us), line.actor.removeprefix("spiffe://")),
                *(line.action, line.subject, line.reason, line.outcome),
            )
            for line in lines
        ]
    show_table("审计记录", _HEADINGS, rows)


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // 1_000_000, CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _open(where: str, password_file: Path | None) -> Database:
    """The database, read-only. Raises InputError where it cannot be used."""
    from services.chassis.config import DatabaseSettings
    from services.chassis.db import Database, DatabaseError

    is_file = not where.startswith("postgresql:")
    try:
        if is_file:
            return Database(DatabaseSettings(path=Path(where)), read_only=True)
        # Not checked as settings are: the file is read, and refused, when the database is opened.
        settings = DatabaseSettings.model_construct(url=where, password_file=password_file)
        return Database(settings, read_only=True)
    except DatabaseError as error:
        # Never the address, which may carry a password.
        zh = f"{where}：不能作为服务的数据库打开：{_NO_FILE}" if is_file else _NO_SERVER
        raise InputError(str(error), zh) from None


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
    at = entry.at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    who = entry.actor.removeprefix("spiffe://")
    return (str(entry.seq), at, who, entry.action, entry.subject, entry.reason, entry.outcome)
