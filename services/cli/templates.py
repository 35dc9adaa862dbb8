"""``libmatch templates``: empty sheets for declarations and beneficiary lists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from xlsxwriter.exceptions import XlsxWriterException

from services.beneficiary.item_template import write_item_template
from services.registry.declaration_template import (
    write_declaration_form,
    write_declaration_template,
)

_WRITERS = {
    "党员干部亲属申报汇总表（模板）.xlsx": write_declaration_template,
    "党员干部亲属关系报告表（附件2模板）.xlsx": write_declaration_form,
    "惠民资金（项目）受益人名单（模板）.xlsx": write_item_template,
}


def write_templates(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files written to ``folder`` and those left alone because they exist. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for name, write in _WRITERS.items():
        path = folder / name
        if path.exists():  # somebody may have filled it in
            kept.append(path)
        else:
            write(path)
            written.append(path)
    return written, kept


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""

    @app.command("templates")
    def templates(
        out: Annotated[Path, typer.Option("--out", help="存放模板的文件夹，没有则新建")] = Path(),
    ) -> None:
        """生成空白模板：申报汇总表、附件2报告表、受益人名单。"""
        try:
            written, kept = write_templates(out)
        except (OSError, XlsxWriterException) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            typer.echo(
                f"无法写入文件夹“{out}”（{reason or '写入失败'}）。"
                "请检查磁盘空间和权限，或用 --out 另选文件夹",
                err=True,
            )
            raise typer.Exit(1) from None
        for path in written:
            typer.echo(f"已生成：{path}")
        for path in kept:
            typer.echo(f"已存在，未覆盖：{path}")
