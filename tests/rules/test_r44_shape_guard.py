"""What looks like a number of a person or a house address is not published (R44)."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libmatch.check_digits import resident_check
from services.rules.shape_guard import Shape, find_shape, fold, guard, guard_place
from services.rules.violation import RuleViolation

ID = "500102199001011234"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        "50010219900101123X",
        "50010219900101123x",
        "50010219900101123×",
        "50010219900101123Х",  # Cyrillic
        "５００１０２１９９００１０１１２３Ｘ",
        "500102 19900101 1234",
        "500102-1990-0101-1234",
        "500102.1990.01.01.1234",
        "500,102,199,001,011,234",
        "500102199001\n011234",
        "500102\u200b199001011234",
        "五〇〇一〇二一九九〇〇一〇一一二三四",
        "伍零零壹零贰壹玖玖零零壹零壹壹贰叁肆",
        "٥٠٠١٠٢١٩٩٠٠١٠١١٢٣٤",
        "⑤⓪⓪①⓪②①⑨⑨⓪⓪①⓪①①②③④",
        f"身份证：{ID}，",
        f"户主{ID}户",
        f"G65高速 {ID} 3组",
        "510102900101123",  # 15 digits
        "510102 900101 123",
        "CHN110101850101",  # foreign permanent resident, 15
        "911344199001011230",  # the same, 18
        "E12345678",  # passports and travel permits
        "EA1234567",
        "H12345678",
        "M1234567801",
        "5001**********1234",
        "500102********123X",
        "5001 ＊＊＊＊＊＊ 1234",
    ],
)
def test_R44_identity_numbers_are_found(text: str) -> None:
    assert find_shape(text) is Shape.IDENTITY


@pytest.mark.parametrize(
    "text",
    [
        "13912345678",
        "139 1234 5678",
        "139-1234-5678",
        "１３９１２３４５６７８",
        "一三九一二三四五六七八",
        "幺三九一二三四五六七八",
        "电话13912345678。",
        "023-72861234",
        "(023)72861234",
        "023 7286 1234",
        "72861234",
        "7286-1234",
        "七二八六一二三四",
        "400-123-4567",
    ],
)
def test_R44_telephone_numbers_are_found(text: str) -> None:
    assert find_shape(text) is Shape.PHONE


@pytest.mark.parametrize(
    "text",
    ["6222021234567890123", "6222 0212 3456 7890", "6222-0212-3456-7890-123", "123456789012"],
)
def test_R44_bank_numbers_are_found(text: str) -> None:
    assert find_shape(text) is Shape.ACCOUNT


def test_R44_credit_codes_are_found() -> None:
    assert find_shape("重庆某公司（91500102MA5U12345K）") is Shape.CREDIT_CODE


@pytest.mark.parametrize(
    "text",
    ["人民路12号", "建设巷3-2号", "幸福小区5号楼", "3栋2单元501", "12幢 3-1", "门牌见附图"],
)
def test_R44_house_addresses_are_found_in_any_field(text: str) -> None:
    assert find_shape(text) is Shape.ADDRESS


@pytest.mark.parametrize(
    "text",
    [
        "2018-01-01",
        "2018.01.01-2018.12.31",
        "2018/1/1 2018/12/31",
        "2018年1月1日至2018年12月31日",
        "2018年7月起每月500元",
        "2018-2020年",
        "20180101",
        "2018-0034",
        "涪建委发〔2018〕14号",
        "渝(2018)涪陵区第14号",
        "1234567.89元",
        "12345678元",
        "1,234,567元",
        "3500平方米",
        "3456789㎡",
        "S103线、G65高速",
        "1号桥维修工程",
        "一事一议",
        "第二十三条",
        "二〇一八年三月",
        "张三",
        "阿依古丽·买买提",
        "党委委员、副镇长（2018年3月起）",
        "拆除2栋，新建3栋",
        "1、2、3、4、5、6、7、8、9、10、11、12组",
        "",
    ],
)
def test_R44_what_notices_usually_say_is_let_through(text: str) -> None:
    guard(text, "备注")


@pytest.mark.parametrize(
    "place",
    [
        "白涛街道油坊村",
        "油坊村3组",
        "油坊村三社",
        "油坊村3号桥",
        "油坊村2号山坪塘",
        "涪陵区政府综合楼",
    ],
)
def test_R44_a_place_may_be_a_village_or_group(place: str) -> None:
    guard_place(place, "地点")


@pytest.mark.parametrize(
    "place",
    ["油坊村3组12号", "油坊村十二号", "油坊村１２ 号", "2栋", "3单元", "501室", "5楼", "3-2-1", ID],
)
def test_R44_a_place_is_not_more_precise_than_that(place: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        guard_place(place, "地点")
    assert caught.value.rule == "R44"
    assert "“地点”" in caught.value.message_zh
    assert place not in caught.value.message_zh


@pytest.mark.parametrize("shape", Shape)
def test_R44_the_refusal_names_field_and_cure_but_not_the_text(shape: Shape) -> None:
    text = {
        Shape.IDENTITY: ID,
        Shape.CREDIT_CODE: "91500102MA5U12345K",
        Shape.PHONE: "13912345678",
        Shape.ACCOUNT: "6222021234567890123",
        Shape.ADDRESS: "人民路12号",
    }[shape]
    with pytest.raises(RuleViolation) as caught:
        guard(text, "备注")
    assert caught.value.rule == "R44"
    assert f"“备注”中含有形似{shape}" in caught.value.message_zh
    assert text not in f"{caught.value} {caught.value.message_zh}"


# --- properties ---------------------------------------------------------------------------------

_FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
_CHINESE = str.maketrans("0123456789", "〇一二三四五六七八九")
words = st.text("张王李村组镇的修路补助，。：（）", max_size=12)


@st.composite
def identity_numbers(draw: st.DrawFn) -> str:
    born = draw(st.dates()).replace(year=draw(st.integers(1900, 2018)), day=1)
    region, order = draw(st.integers(110000, 659999)), draw(st.integers(0, 999))
    body = f"{region}{born:%Y%m%d}{order:03d}"
    return body + resident_check(body)


@st.composite
def disguised(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> str:
    number = draw(numbers)
    table = draw(st.sampled_from([{}, _FULL_WIDTH, _CHINESE]))
    rng = random.Random(draw(st.integers()))
    separator = draw(st.sampled_from(["", " ", "-", ".", "·", "\u3000", "—", "_", "\n"]))
    parts = [c + (separator if rng.random() < 0.3 else "") for c in number.translate(table)]
    return "".join(parts)


@given(words, disguised(identity_numbers()), words)
def test_R44_no_identity_number_passes_however_it_is_written(
    before: str, number: str, after: str
) -> None:
    assert find_shape(before + number + after) is not None


mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
cards = st.from_regex(r"62[0-9]{14,17}", fullmatch=True)


@given(words, disguised(mobiles | cards), words)
@example("", "620-2000-1-0000-00-00", "")
@example("", "19-2000-1-0000", "")
def test_R44_no_mobile_or_bank_number_passes_however_it_is_written(
    before: str, number: str, after: str
) -> None:
    assert find_shape(before + number + after) is not None


@given(st.text())
def test_R44_any_text_is_judged_and_folding_is_stable(text: str) -> None:
    find_shape(text)
    assert fold(fold(text)) == fold(text)


@given(st.text("张王李村组镇的修路补助项目，。：（）、", max_size=60))
def test_R44_texts_without_digits_are_let_through(text: str) -> None:
    guard_place(text, "地点")
