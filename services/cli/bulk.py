"""``libmatch bulk …``: token tables of a unit's own lists, and their join at any size; no server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from libmatch.bulk.join import Engine
from libmatch.errors import InputError
from services.cli.nouns import NOUNS, new_app

if TYPE_CHECKING:
    from libmatch.bulk.duckdb_engine import Resources
    from libmatch.bulk.spark_engine import SparkSettings

_MIB = 1 << 20
_SHOWN = 10  # refused rows on the terminal; the file beside the table has them all

Memory = Annotated[
    int | None,
    typer.Option(min=64, metavar="内存MiB", help="内存上限，超出部分暂存磁盘；不给则为内存的八成"),
]
Threads = Annotated[
    int | None, typer.Option(min=1, metavar="线程数", help="线程数；不给则用全部处理器核")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="允许覆盖已有的结果文件")]


def register(app: typer.Typer) -> None:
    """Adds the noun ``bulk``."""
    group = new_app(NOUNS["bulk"])
    group.callback()(_describe)
    group.command("match")(match_tables)
    group.command("sort")(sort_table)
    group.command("tokens")(make_tokens)
    app.add_typer(group, name="bulk")


def _describe() -> None:
    """大批量比对：由本单位的名单生成令牌表，两个令牌表直接比对；令牌表不含密钥和个人信息。"""


def match_tables(
    table_a: Annotated[Path, typer.Argument(metavar="令牌表A", help="Parquet 文件")],
    table_b: Annotated[
        Path, typer.Argument(metavar="令牌表B", help="Parquet 文件或常备表，与令牌表A同一周期")
    ],
    out: Annotated[
        Path, typer.Option(metavar="结果文件", help="比中的记录编号写到这里，如 hits.parquet")
    ],
    engine: Annotated[Engine, typer.Option(help="计算引擎")] = Engine.DUCKDB,
    memory: Memory = None,
    threads: Threads = None,
    spark_master: Annotated[
        str | None,
        typer.Option("--spark-master", metavar="地址", help="Spark 集群；不给则在本机运行"),
    ] = None,
    spark_conf: Annotated[
        list[str], typer.Option("--spark-conf", metavar="名称=值", help="Spark 的设置；可重复")
    ] = [],  # noqa: B006  # typer reads the default, nothing changes it
    overwrite: Overwrite = False,
) -> None:
    """比对两个令牌表，写出令牌相同的全部记录编号对。

    表可以比内存大，暂存文件放在结果文件旁边，完成后自动删除。失败时不留下结果文件。比中不等于违规。
    大表对每天的少量新令牌时，先用 sort 把大表排成常备表，再用常备表比对。
    使用 Spark 集群时，令牌表和结果文件须放在集群各节点同一路径的共享目录。
    """
    from libmatch.bulk.join import join_tables

    counts = join_tables(
        table_a,
        table_b,
        out,
        engine=engine,
        resources=_resources(memory, threads),
        spark=_spark(spark_master, spark_conf),
        overwrite=overwrite,
    )
    typer.echo(f"令牌表A：{counts.rows_a} 行")
    typer.echo(f"令牌表B：{counts.rows_b} 行")
    typer.echo(f"比中：{counts.pairs} 对")
    typer.echo(f"结果：{out}（仅本人可读）")


def sort_table(
    table: Annotated[Path, typer.Argument(metavar="令牌表", help="Parquet 文件")],
    out: Annotated[Path, typer.Option(metavar="常备表", help="排好序的表写到这里")],
    memory: Memory = None,
    threads: Threads = None,
    overwrite: Overwrite = False,
) -> None:
    """把令牌表排成常备表：以后每天的新令牌与它比对，只花新令牌的时间，与它有多大无关。"""
    from libmatch.bulk.standing import sort_table as sort

    rows = sort(table, out, resources=_resources(memory, threads), overwrite=overwrite)
    typer.echo(f"常备表：{rows} 行")
    typer.echo(f"结果：{out}（仅本人可读）")


def make_tokens(
    source: Annotated[
        Path, typer.Argument(metavar="名单", help="表格（.xlsx .xls .et .csv）或 Parquet 文件")
    ],
    column: Annotated[
        str, typer.Option(metavar="表头", help="证件号码所在列的表头，如 身份证号码")
    ],
    kit: Annotated[Path, typer.Option(metavar="套件", help="本单位的套件文件夹（kit）")],
    unit: Annotated[str, typer.Option(help="单位代码，如 caizheng")],
    out: Annotated[Path, typer.Option(metavar="令牌表", help="令牌表写到这里，如 tokens.parquet")],
    passphrase_file: Annotated[
        Path | None,
        typer.Option("--passphrase-file", help="口令文件（仅本人可读）；不给则从键盘输入"),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """把本单位名单中的一列证件号码变成令牌表；记录编号就是行号。

    须用本单位自己的套件，且名册中在册、周期有效。令牌表不含证件号码；但持有周期密钥的人能用它试出谁在其中，
    请只交给应当收到的一方。有未采纳的行时，行号和原因另写“待改正”文件，退出码为 4。
    """
    from datetime import UTC, datetime

    from libmatch.kit import read_holder, read_party_keys
    from services.cli.exits import Exit
    from services.cli.passphrase import read_passphrase
    from services.cli.token_tables import TokenOrder, write_tokens

    now = datetime.now(UTC)
    keys = read_party_keys(kit, read_passphrase(passphrase_file, "密钥口令"))
    order = TokenOrder(source, column, out, now.astimezone().date(), overwrite)
    report = write_tokens(read_holder(kit, unit, keys, now), order)
    typer.echo(f"采纳：{report.taken} 行")
    typer.echo(f"结果：{out}（仅本人可读）")
    if not report.refused:
        return
    typer.echo(f"未采纳：{len(report.refused)} 行")
    for row, why in report.refused[:_SHOWN]:
        typer.echo(f"  第{row}行：{why}")
    typer.echo(f"全部未采纳的行：{order.problem_file}（改好后可重新生成）")
    raise typer.Exit(Exit.PARTIAL)


def _resources(memory_mib: int | None, threads: int | None) -> Resources:
    from libmatch.bulk.duckdb_engine import Resources

    return Resources(None if memory_mib is None else memory_mib * _MIB, threads)


def _spark(master: str | None, conf: list[str]) -> SparkSettings:
    from libmatch.bulk.spark_engine import SparkSettings

    pairs = dict(text.partition("=")[::2] for text in conf)
    if not all(pairs) or not all("=" in text for text in conf):
        raise InputError("a setting is name=value", "--spark-conf 的写法是 名称=值")
    return SparkSettings(conf=pairs) if master is None else SparkSettings(master, pairs)
