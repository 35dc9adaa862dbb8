"""What was done, in the words that a person reads who asks who looked at him (R63, R65)."""

from __future__ import annotations

from services.rules.roles import Action

_ACTIONS_ZH = {
    # Declarations, from the form to the match.
    "confirm-declaration": "登记年度确认",
    "discard-draft": "删除误录的草稿",
    "enter": "录入报告表",
    "hand-back": "退回报告表",
    "import-declarations": "录入报告表",
    "list-declarations": "查看报告表清单",
    "list-due": "查看到期事项",
    "list-versions": "查看报告表办理情况",
    "place-official": "登记人员类别",
    "record-pledge": "登记本人承诺",
    "review": "审核报告表",
    "show-declaration": "查看报告表",
    "sign": "签署报告表意见",
    "stage-declarations": "录入报告表（草稿）",
    "withdraw-relatives": "撤回申报",
    # Lists and the gate.
    "check-items": "审批前查询",
    "discard-list": "撤销名单",
    "import-items": "录入名单",
    "import-items-post": "录入事后名单",
    "import-items-pre": "录入事前名单",
    "list-content": "查看名单内容",
    "list-items": "查看名单",
    "list-reconciled": "核对事前、事后名单",
    "review-list": "审核名单",
    "show-lists": "查看名单办理情况",
    "sign-list": "签署名单意见",
    "withdraw-item": "撤回受益人信息",
    # Matters.
    "confirm-match": "确认比对无误",
    "dispute-match": "提请确认比对",
    "export-notices": "导出公示",
    "export-outbox": "导出待装载的数据批",
    "inform": "抄送比对结果",
    "list-matters": "查看涉权事项清单",
    "list-notices": "查看比中通知清单",
    "post": "张贴公示",
    "record-measure": "登记处理和移送",
    "record-objection": "登记公示异议",
    "record-outcome": "签署核查结果",
    "show-matter": "查看涉权事项",
    "take-down": "撤下公示",
    "take-matter": "受理核查",
    # Statements, checks, leads.
    "commit-draw": "提交抽查承诺",
    "dismiss-finding": "登记核对线索不属实",
    "dispose-lead": "登记线索处置",
    "export-lead": "移送线索",
    "finish-draw": "办结抽查",
    "get-draw": "查看抽查",
    "get-lead": "查看线索",
    "import-lead": "接收线索",
    "list-draws": "查看抽查清单",
    "list-findings": "查看申报核对线索",
    "list-leads": "查看线索清单",
    "list-measures": "查看处理清单",
    "list-statements": "查看说明情况",
    "note-correction": "登记自行更正",
    "plan-draw": "确定抽查总体",
    "press-lead": "督办线索",
    "record-check-result": "登记抽查结果",
    "record-lead": "登记线索",
    "record-statement": "登记说明情况",
    "repeat-draw": "重新抽查",
    "reveal-draw": "揭示抽查随机数",
    "run-consistency": "核对申报",
    "settle-finding": "登记核对线索属实",
    "show-drawn-items": "查看抽中对象",
    "take-over-lead": "直接查办线索",
    "void-draw": "作废抽查",
    # Accounts, and the person's own rights.
    "answer-request": "答复本人查询",
    "disable-account": "停用账号",
    "grant-roles": "授予角色",
    "list-accounts": "查看账号清单",
    "list-looks": "查询查看记录",
    "pledge-secrecy": "签署保密承诺",
    "propose-account": "登记基本情况表",
    "purge": "到期清除",
    "read-trail": "查看审计记录",
    "record-filing": "登记基本情况表备案",
    "record-opinion": "登记党组织意见",
    "show-account": "查看基本情况表",
}


def action_zh(action: str) -> str:
    """What ``action`` of the trail was; the trail's own word where it has none here.

    A step that was refused for want of a role stands under what the role would permit.
    """
    known = _ACTIONS_ZH.get(action)
    if known is not None:
        return known
    permission = Action.__members__.get(action.upper().replace("-", "_"))
    return action if permission is None else str(permission)
