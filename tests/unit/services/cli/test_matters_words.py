"""``libmatch matters``: what is wrong in a command is said in words, before anybody is called."""

from __future__ import annotations

import io
import stat
from dataclasses import dataclass, replace
from pathlib import Path

import openpyxl
import pytest

from services.cli.exits import Exit
from services.cli.main import main
from services.cli.matters_export import export_folder, write_text
from services.cli.matters_shown import done_lines, matter_lines, shown_rows, step_line
from services.cli.matters_workbook import write_matters
from services.cli.peers.matters import MatterLine, PublicationLine, StepLine

CASE = "0c" * 16
STEP = StepLine(1_800_000_000_000_000, "某局", "王某", "责任领导", "核查合规", "逐项核对", "")
POSTED = PublicationLine("党员干部所在单位", 1_800_000_000_000_000, 0, "2027-01-22", complete=False)
LINE = MatterLine(
    case_id=CASE,
    version=7,
    state="MATTER_STATE_PUBLISHING",
    approving_unit="某镇",
    declaring_units=("某局", "某委"),
    official="=1+1",
    beneficiary="甲某",
    relation="配偶",
    item_name="危房改造",
    programme="住房补助",
    amount_fen=120_050,
    place="某村",
    notified_at_us=1_799_000_000_000_000,
    due_on="2027-01-30",
    overdue=True,
    taken_by="wang",
    publications=(POSTED,),
    steps=(STEP,),
    reports_not_believed=1,
    steps_unsent=2,
)


def test_R45_who_posts_is_told_until_when_the_notice_hangs() -> None:
    first, posted, due = done_lines(LINE)
    assert first.endswith("公示中（版本7）")
    assert posted.endswith("公示至2027-01-22")
    assert due.endswith("2027-01-30")
    assert len(done_lines(replace(LINE, publications=(), due_on=""))) == 1


def test_R38_who_approves_reads_which_of_his_items_it_is() -> None:
    own = replace(LINE, item_ref="MZ-017", start="2026-10-05")
    assert "MZ-017  " in matter_lines(own)[1]
    rows = dict(shown_rows(own))
    assert (rows["本单位编号"], rows["开始时间"]) == ("MZ-017", "2026-10-05")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("outcome", CASE, "也许", "--grounds", "核对"), "没有这样的核查结果；可用：合规、不合规"),
        (("list", "--state", "不知道"), "没有这样的状态；可用：待核查"),
        (("post", CASE, "--hotline", "某镇纪委"), "监督举报电话应写成“单位=电话”"),
        (("post", CASE, "--hotline", "某局=12388", "--born", "80年"), "受益人出生日期应写成"),
        (("inform", CASE, "--reference", "一号", "--to", "谁"), "没有这样的抄送对象"),
        (("take", "第一件"), "编号应为列表中显示的32位字符"),
    ],
)
def test_a_wrong_word_is_told_with_those_that_exist(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["matters", *words, "--config", "nowhere.toml"]) == Exit.REFUSED
    assert told in capsys.readouterr().err


def test_an_export_names_a_file_or_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matters", "export", CASE, "--config", "nowhere.toml"]) == Exit.USAGE
    assert "--out" in capsys.readouterr().err


def test_a_matter_is_told_with_number_version_and_due_day_in_neutral_words() -> None:
    first, second = matter_lines(LINE)
    assert first == f"{CASE}  公示中  期限2027-01-30（逾期）  版本7"
    assert "1200.50元" in second
    assert "MZ-017" not in second
    rows = dict(shown_rows(LINE))
    assert "本单位编号" not in rows
    assert rows["公示（党员干部所在单位）"].endswith("公示至2027-01-22")
    assert "2项" in rows["待送达"]
    assert "1份" in rows["未采信"]
    over = replace(LINE, publications=(replace(POSTED, taken_down_at_us=POSTED.posted_at_us),))
    assert "须重新公示" in dict(shown_rows(over))["公示（党员干部所在单位）"]
    assert step_line(STEP).endswith("某局 王某（责任领导）核查合规：逐项核对")
    vain = replace(STEP, person="", text="", without_effect="已撤回")
    assert step_line(vain).endswith("某局（责任领导）核查合规〔未生效：已撤回〕")


def test_the_workbook_holds_text_and_never_a_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_matters([LINE, replace(LINE, amount_fen=None)])))
    sheet = book.worksheets[0]
    assert sheet.cell(3, 4).value == "=1+1"
    assert sheet.cell(3, 4).data_type == "s"
    assert sheet.cell(3, 17).value == 1200.5
    assert sheet.cell(4, 17).value is None
    assert "比中不等于违规" in str(sheet.cell(1, 1).value)


@dataclass
class Portal:
    """What the unit's service would export: notice number → text."""

    notices: dict[str, str]

    def export_all(self, form: str, reason: str = "") -> dict[str, str]:
        return {number: f"{form} {text}" for number, text in self.notices.items()}

    def export_one(self, form: str, case_id: bytes, reason: str = "") -> str:
        return f"{form} {len(self.notices)}"


def test_R46_a_portals_folder_holds_what_is_posted_now_and_keeps_other_files(
    tmp_path: Path,
) -> None:
    first, second = (f"{n}" * 8 + "-1111-4111-8111-111111111111" for n in (1, 2))
    portal, folder = Portal({first: "甲", second: "乙"}), tmp_path / "portal"
    assert export_folder(portal, folder, "").written == 2
    (folder / "index.html").write_text("门户自己的页面", encoding="utf-8")
    del portal.notices[first]
    assert export_folder(portal, folder, "").removed == 1
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *(f"notice-{second}.html", f"notice-{second}.json", "feed.atom", "index.html"),
    }
    assert stat.S_IMODE((folder / "feed.atom").stat().st_mode) == 0o644
    with pytest.raises(FileExistsError):
        write_text(folder / "feed.atom", "", replace=False)
