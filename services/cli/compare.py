"""``libmatch compare``: one department that holds both lists compares them itself; no server, no set-up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.exits import Exit

if TYPE_CHECKING:  # all else is imported late: help must be quick
    from collections.abc import Sequence

    from rich.console import Console

    from services.cli.comparison import Comparison
    from services.cli.hits_workbook import Source

_SHOWN = 10  # problems a file on the terminal; the workbook has them all


def register(app: typer.Typer) -> None:
    """Adds the command ``compare``."""
    app.command("compare")(compare_lists)


def compare_lists(
    declarations: Annotated[
        Path, typer.Argument(metavar="申报表", help="党员干部申报表（.xlsx .xls .et .csv）")
    ],
    beneficiaries: Annotated[
        Path, typer.Argument(metavar="受益人名单", help="受益人名单（.xlsx .xls .et .csv）")
    ],
    out: Annotated[Path, typer.Option(metavar="文件", help="结果写到这里，如 比对结果.xlsx")],
    more_declarations: Annotated[
        list[Path], typer.Option("--declarations", metavar="文件", help="更多申报表；可重复")
    ] = [],  # noqa: B006  # typer reads the default, nothing changes it
    more_beneficiaries: Annotated[
        list[Path], typer.Option("--beneficiaries", metavar="文件", help="更多受益人名单；可重复")
    ] = [],  # noqa: B006
    overwrite: Annotated[bool, typer.Option("--overwrite", help="允许覆盖已有的结果文件")] = False,
) -> None:
    """就地比对申报表和受益人名单，结果写成一个 Excel 文件。

    不联网，不需要任何设置。比中不等于违规。有未采纳的行时，另写“待改正”文件，退出码为 4。
    """
    from datetime import datetime

    from services.cli.comparison_files import Inputs, Outputs, run_comparison, write_results

    now = datetime.now().astimezone()
    inputs = Inputs([declarations, *more_declarations], [beneficiaries, *more_beneficiaries], now)
    outputs = Outputs(out)
    outputs.check_free(inputs, overwrite=overwrite)
    comparison, sources = run_comparison(inputs, lambda step: typer.echo(f"{step} …", err=True))
    files = write_results(comparison, sources, outputs, now, overwrite=overwrite)
    _show(comparison, sources, out, files)
    if any(source.report.problems for source in sources):
        raise typer.Exit(Exit.PARTIAL)


def _show(
    comparison: Comparison, sources: Sequence[Source], out: Path, problem_files: Sequence[Path]
) -> None:
    """The counts, on the terminal; no name and no number of anybody."""
    from rich.console import Console
    from rich.table import Table

    from services.cli.hits_workbook import CAUTION_ZH

    console = Console(highlight=False, markup=False, emoji=False)
    table = Table("文件", "行数", "采纳", "未采纳", "跳过", title="导入情况")
    for source in sources:
        tally = source.report.tally
        counts = (tally.rows, tally.taken, tally.refused, sum(tally.skipped.values()))
        table.add_row(source.label, *map(str, counts))
    console.print(table)
    for source in sources:
        _show_problems(console, source)
    result = Table("项目", "数量", title="比对结果")
    for name, count in _figures(comparison):
        result.add_row(name, str(count))
    console.print(result)
    console.print(CAUTION_ZH)
    for path in problem_files:
        console.print(f"待改正：{path}（改好后可重新导入）", soft_wrap=True)
    console.print(f"结果：{out}（仅本人可读，含个人信息，请妥善保管）", soft_wrap=True)


def _show_problems(console: Console, source: Source) -> None:
    problems = source.report.problems
    for problem in problems[:_SHOWN]:
        console.print(f"{source.label} {problem}", soft_wrap=True)
    if len(problems) > _SHOWN:
        console.print(f"{source.label} 还有 {len(problems) - _SHOWN} 处，见结果文件“未采纳的行”")


def _figures(comparison: Comparison) -> list[tuple[str, int]]:
    return [
        ("申报的党员干部（人）", comparison.officials),
        ("参加比对的本人和亲属", comparison.declared),
        ("受益事项（项）", comparison.items),
        ("参加比对的受益人（人次）", comparison.benefiting),
        ("比中（条）", len(comparison.hits)),
        ("其中姓名不一致（条）", sum(hit.names_differ for hit in comparison.hits)),
        ("未比对：无证件号码的亲属", len(comparison.without_number)),
    ]
