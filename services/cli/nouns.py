"""The root of the command tree: one noun, one module, imported only when that noun is called."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from services.cli.chinese_help import speak_chinese

NOUNS = {
    "compare": "一个部门两张表在手时，就地比对，不用服务器",
    "bulk": "大批量比对：由本单位名单生成令牌表，令牌表直接比对",
    "templates": "生成空白的申报表和受益人表（Excel）",
    "registry": "申报单位：导入、签署、录入、审核申报表，查看通知",
    "beneficiary": "审批单位：导入、签署受益人名单，查询放行结果和通知",
    "matters": "涉权事项：核查、签署结果、处理移送、公示、异议、导出",
    "draws": "随机抽查：定总体、承诺、揭示、登记结果、离线重算",
    "leads": "问题线索：登记、移送、督办、处置",
    "accounts": "本单位账号：基本情况表、保密承诺、意见、备案、角色",
    "consistency": "申报核对：他人申报为亲属、本人未申报对方的线索",
    "rights": "个人权利：持有哪些信息、谁看过、到期清除",
    "audit": "审计管理员：核验和查看审计记录",
    "figures": "统计：各单位申报、核查、公示进度，时限和逾期，谁向谁申报",
    "statements": "年度说明情况：会议上说明涉权事项，组织部门监督",
    "inspector": "纪委：查看和打开比中记录，发出通知",
    "authority": "授权机构：保管人、周期清单、名册和证书（离线）",
    "keys": "本单位的密钥和证书：生成、导出公开卡片、检查",
}


class LateGroup(TyperGroup):
    """Lists every noun without importing any, and imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # the base's signature
        return list(NOUNS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """What help shows of a noun: its name and one line."""
        if cmd_name not in NOUNS:
            return None
        return TyperCommand(cmd_name, help=NOUNS[cmd_name])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name not in NOUNS:
            return super().resolve_command(ctx, args)
        return name, load_noun(name), args[1:]


def load_noun(name: str) -> Any:
    """The command of the noun ``name``, from ``services.cli.<name>``. Raises ModuleNotFoundError."""
    app = new_app()
    importlib.import_module(f"services.cli.{name}").register(app)
    return speak_chinese(get_group(app).commands[name])


def new_app(help_zh: str | None = None) -> typer.Typer:
    """An empty group of commands: no completion, no tracebacks, help where nothing is given."""
    return typer.Typer(
        help=help_zh,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def root() -> Any:
    """The whole command tree."""
    app = typer.Typer(
        cls=LateGroup,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.callback()
    def libmatch() -> None:
        """党员干部亲属涉权事项比对：申报、受益、比对、核查的命令行工具。"""

    return speak_chinese(get_command(app))
