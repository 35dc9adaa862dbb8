"""The closed list of relations (R14 to R16) and the words that may stand for it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.errors import InputError
from libmatch.relations import DECLARABLE, Relation, parse_relation, requires_remark

# Annex 2, note 4, in its order.
NOTE_4 = [
    *("配偶", "子女", "子女的配偶", "孙子女", "外孙子女"),
    *("本人的父母", "本人的兄弟姐妹", "本人兄弟姐妹的配偶", "本人的祖父母", "本人的外祖父母"),
    *("配偶的父母", "配偶的兄弟姐妹", "配偶兄弟姐妹的配偶", "配偶的祖父母", "配偶的外祖父母"),
    "其他具有法定扶养、赡养关系的亲属",
]
SYNONYMS = [
    ("报告人", Relation.SELF),
    ("妻", Relation.SPOUSE),
    ("妻子", Relation.SPOUSE),
    ("丈夫", Relation.SPOUSE),
    ("爱人", Relation.SPOUSE),
    ("子", Relation.CHILD),
    ("儿子", Relation.CHILD),
    ("女儿", Relation.CHILD),
    ("长子", Relation.CHILD),
    ("养女", Relation.CHILD),
    ("妻子的儿子", Relation.CHILD),
    ("儿媳", Relation.CHILD_SPOUSE),
    ("女婿", Relation.CHILD_SPOUSE),
    ("女儿的丈夫", Relation.CHILD_SPOUSE),
    ("孙子", Relation.SONS_CHILD),
    ("孙女", Relation.SONS_CHILD),
    ("外孙", Relation.DAUGHTERS_CHILD),
    ("外孙女", Relation.DAUGHTERS_CHILD),
    ("父", Relation.PARENT),
    ("父亲", Relation.PARENT),
    ("母亲", Relation.PARENT),
    ("父母", Relation.PARENT),
    ("本人父亲", Relation.PARENT),
    ("哥哥", Relation.SIBLING),
    ("弟弟", Relation.SIBLING),
    ("姐姐", Relation.SIBLING),
    ("妹妹", Relation.SIBLING),
    ("本人兄弟姐妹", Relation.SIBLING),
    ("嫂子", Relation.SIBLING_SPOUSE),
    ("弟媳", Relation.SIBLING_SPOUSE),
    ("姐夫", Relation.SIBLING_SPOUSE),
    ("妹夫", Relation.SIBLING_SPOUSE),
    ("哥哥的妻子", Relation.SIBLING_SPOUSE),
    ("本人的兄弟姐妹的配偶", Relation.SIBLING_SPOUSE),
    ("爷爷", Relation.FATHERS_PARENT),
    ("祖母", Relation.FATHERS_PARENT),
    ("外公", Relation.MOTHERS_PARENT),
    ("姥姥", Relation.MOTHERS_PARENT),
    ("岳父", Relation.SPOUSE_PARENT),
    ("岳母", Relation.SPOUSE_PARENT),
    ("配偶之父", Relation.SPOUSE_PARENT),
    ("妻弟", Relation.SPOUSE_SIBLING),
    ("小姨子", Relation.SPOUSE_SIBLING),
    ("大伯子", Relation.SPOUSE_SIBLING),
    ("丈夫的妹妹", Relation.SPOUSE_SIBLING),
    ("妻子的兄弟姐妹", Relation.SPOUSE_SIBLING),
    ("连襟", Relation.SPOUSE_SIBLING_SPOUSE),
    ("妯娌", Relation.SPOUSE_SIBLING_SPOUSE),
    ("妻子的哥哥的妻子", Relation.SPOUSE_SIBLING_SPOUSE),
    ("配偶的爷爷", Relation.SPOUSE_FATHERS_PARENT),
    ("配偶祖父母", Relation.SPOUSE_FATHERS_PARENT),
    ("妻子的外婆", Relation.SPOUSE_MOTHERS_PARENT),
    ("其他具有法定扶养,赡养关系的亲属", Relation.OTHER),
    ("其他法定赡养关系亲属", Relation.OTHER),
]
AMBIGUOUS = [
    *("兄弟姐妹", "兄弟姐妹的配偶", "兄弟姐妹配偶", "祖父母", "外祖父母", "爷爷奶奶"),
    *(
        "媳妇",
        "婆婆",
        "公公",
        "弟妹",
        "姨妹",
        "舅子",
        "大伯",
        "小姑",
        "其他",
        "其他亲属",
        "女",
        "男",
    ),
]
OUT_OF_SCOPE = [
    *("侄子", "侄女", "外甥", "外甥女", "堂哥", "堂弟", "表姐", "表妹", "叔叔", "伯父", "姑姑"),
    *("舅舅", "姨妈", "婶婶", "前妻", "前夫", "前妻的儿子", "未婚妻", "女朋友", "曾孙", "曾祖父"),
    *("孙媳", "孙女婿", "亲家", "干爹", "妻子的表弟"),
]
UNKNOWN = [
    "朋友",
    "法定代表人",
    "赡养人",
    "哥哥的儿子",
    "儿子（长子）",
    "父亲/母亲",
    "配偶的配偶",
    "的",
    "本人的",
    "abc",
    "11",
]


def refusal_of(text: str) -> InputError:
    with pytest.raises(InputError) as refused:
        parse_relation(text)
    assert "R15" in str(refused.value)
    return refused.value


def test_the_list_is_exactly_that_of_annex_2() -> None:
    assert [relation.value for relation in DECLARABLE] == NOTE_4
    assert [relation.value for relation in Relation] == ["本人", *NOTE_4]


@pytest.mark.parametrize("relation", Relation)
def test_every_word_of_the_list_is_read_back(relation: Relation) -> None:
    assert parse_relation(relation.value) is relation


@pytest.mark.parametrize("relation", Relation)
def test_spaces_width_and_invisible_characters_are_folded(relation: Relation) -> None:
    noisy = "\ufeff" + "\u3000\u200b ".join(relation.value.replace("、", "，")) + "\r\n"
    assert parse_relation(noisy) is relation


@pytest.mark.parametrize(("text", "relation"), SYNONYMS)
def test_safe_synonym_is_folded(text: str, relation: Relation) -> None:
    assert parse_relation(text) is relation


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_word_that_may_mean_several_is_refused_as_unclear(text: str) -> None:
    assert "不明确" in refusal_of(text).message_zh


@pytest.mark.parametrize("text", OUT_OF_SCOPE)
def test_relation_out_of_scope_is_refused_as_such(text: str) -> None:
    assert "不在申报范围内" in refusal_of(text).message_zh


@pytest.mark.parametrize("text", UNKNOWN)
def test_any_other_word_is_refused_with_the_list(text: str) -> None:
    told = refusal_of(text).message_zh
    assert all(relation in told for relation in NOTE_4)


@pytest.mark.parametrize("text", ["", "  \u3000", "\u200b", "——"])
def test_empty_cell_is_told_as_empty(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_relation(text)
    assert refused.value.message_zh == "亲属关系没有填写"


@pytest.mark.parametrize(
    "text", ["父亲" + "\u200b" * 70 + "的弟弟", "的" * 50_000, "我" * 60, "的" * 60, "\ufdfa" * 64]
)
def test_long_or_nested_cell_is_refused(text: str) -> None:
    refusal_of(text)


def test_only_other_requires_a_remark() -> None:
    assert [r for r in Relation if requires_remark(r)] == [Relation.OTHER]


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        parse_relation(text)


@given(st.text(min_size=3, max_size=40))
def test_a_refusal_does_not_show_the_text(text: str) -> None:
    # Marked: a generated text may be a piece of the message's own words.
    marked = "某".join(["", *text, ""])
    with pytest.raises(InputError) as refused:
        parse_relation(marked)
    told = str(refused.value) + refused.value.message_zh
    assert not any(marked[i : i + 6] in told for i in range(len(marked) - 5))
