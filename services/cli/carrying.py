"""``libmatch registry|beneficiary export``: the outbox as files, for carrying instead of sending."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import typer

from libmatch.batch_files import read_head
from services.chassis.owner_files import make_private_folder, write_new
from services.cli.clerk import Config, connect
from services.cli.peers.outbox import OutboxClient


def register(group: typer.Typer) -> None:
    """Adds ``export`` to a unit's noun."""
    group.command("export")(export)


def export(
    out: Annotated[
        Path, typer.Option("--out", metavar="文件夹", help="新建或空的文件夹，如移动介质上的文件夹")
    ],
    config: Config,
) -> None:
    """导出已密封、平台尚未确认的全部数据批，供初次装载历史数据时用介质交给比对平台。

    文件内容与网上发送的完全相同，不含明文，除纪委对比中记录外任何人打不开。导出不影响发送：平台装载后，本单位照常同步，
    即收到平台的回执。重复导出是安全的。
    """
    make_private_folder(out)
    files = after = 0
    with connect(config) as channel:
        client = OutboxClient(channel)
        while data := client.export(after):
            head = read_head(io.BytesIO(data))
            write_new(out / head.file_name, data)
            typer.echo(f"{head.file_name}：第{head.first}至{head.last}批，{len(data)}字节")
            files, after = files + 1, head.last
    typer.echo(f"共导出{files}个文件" if files else "没有待发送的数据")
