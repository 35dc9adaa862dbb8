"""The empty beneficiary list for clerks to fill in; it reads back unchanged."""

from __future__ import annotations

from pathlib import Path

import xlsxwriter

from services.beneficiary.item_records import Capacity
from services.chassis.sheets import (
    Choices,
    TemplateColumn,
    TemplateStyles,
    write_table,
    write_template,
)

_ID_LENGTHS = (18, 15)
_CODE_EXAMPLE = "18位代码"
_ID_EXAMPLE = "18位身份证号码"
_KINDS = ("居民身份证", "外国人永久居留身份证", "护照", "统一社会信用代码")

_COLUMNS = (
    TemplateColumn("序号", width=6),
    TemplateColumn("编号", "本单位自编的唯一编号", 22),
    TemplateColumn("姓名", "王五", 12, required=True),
    TemplateColumn("证件类型", "居民身份证", 14, _KINDS),
    TemplateColumn("身份证号码", _ID_EXAMPLE, 22, lengths=_ID_LENGTHS, required=True),
    TemplateColumn("身份类型", "受益人", 12, tuple(str(capacity) for capacity in Capacity)),
    TemplateColumn("项目名称", "", 24),
    TemplateColumn("资金名称", "农机购置补贴", 20),
    TemplateColumn("金额（元）", "1200.00", 12, is_amount=True),
    TemplateColumn("地点", "某镇某村某组", 20),
    TemplateColumn("发放时间", "2018-03-05", 14),
    TemplateColumn("完成时间", "", 14),
    TemplateColumn("承建单位", "", 24),
    TemplateColumn("统一社会信用代码", _CODE_EXAMPLE, 22, lengths=(18,)),
    TemplateColumn("法定代表人", "", 12),
    TemplateColumn("法定代表人身份证号码", "", 22, lengths=_ID_LENGTHS),
    TemplateColumn("委托代理人", "", 12),
    TemplateColumn("委托代理人身份证号码", "", 22, lengths=_ID_LENGTHS),
    TemplateColumn("备注", "", 20),
)
_GUIDE = (
    "惠民资金（项目）受益人名单：填写说明",
    "一行填写一笔资金或一个项目。标有“示例”的行不会导入，可以删除。",
    "1. 资金类：填姓名、身份证号码、资金名称、金额、地点、发放时间。",
    "2. 项目类：填项目名称、承建单位和统一社会信用代码、法定代表人及其身份证号码；有委托代理人的一并填写；"
    "没有自然人受益人的，姓名、身份证号码留空。",
    "3. 号码所在列已设为“文本”格式，请不要改动；从别处粘贴时，请选“只粘贴文本（值）”。",
    "4. 编号是本单位给每笔资金、每个项目的唯一编号（至少5个字符，或含有字母）；填写编号后，改正内容再次导入"
    "即为更正。没有编号的可以留空，由系统根据内容生成。",
    "5. 同一编号填写多行，表示同一事项有多名受益人，各行的项目、金额、地点、时间应一致。",
    "6. 金额以元为单位，最多两位小数；时间写成“2018-03-05”或“2018年3月5日”。项目已经完成的，填写完成时间。",
    "7. 导入时有问题的行会另存为一份文件，改正后直接导入该文件即可；重复导入同一份文件不会产生重复数据。",
)


def write_item_template(path: Path) -> None:
    """Writes the empty list, one item a row, to ``path``. Raises OSError."""

    def fill(book: xlsxwriter.Workbook, styles: TemplateStyles, choices: Choices) -> None:
        write_table(book.add_worksheet("受益人名单"), styles, choices, _COLUMNS)

    write_template(path, _GUIDE, fill)
