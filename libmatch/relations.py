"""The closed list of relations that are declared (R14 to R16), and the words that mean them.

Only words that can mean nothing else are folded into the list. What leaves it open whose relative
is meant is refused as ambiguous, and who is out of scope (nephews, cousins, former spouses …) is
refused as such, both citing R15 in Chinese. No error repeats the cell: it may hold anything.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from libmatch.errors import InputError


class Relation(StrEnum):
    """Relation of a person to the reporting official; values are the words of annex 2, note 4."""

    SELF = "本人"  # R16: officials themselves can be matched
    SPOUSE = "配偶"
    CHILD = "子女"
    CHILD_SPOUSE = "子女的配偶"
    SONS_CHILD = "孙子女"
    DAUGHTERS_CHILD = "外孙子女"
    PARENT = "本人的父母"
    SIBLING = "本人的兄弟姐妹"
    SIBLING_SPOUSE = "本人兄弟姐妹的配偶"
    FATHERS_PARENT = "本人的祖父母"
    MOTHERS_PARENT = "本人的外祖父母"
    SPOUSE_PARENT = "配偶的父母"
    SPOUSE_SIBLING = "配偶的兄弟姐妹"
    SPOUSE_SIBLING_SPOUSE = "配偶兄弟姐妹的配偶"
    SPOUSE_FATHERS_PARENT = "配偶的祖父母"
    SPOUSE_MOTHERS_PARENT = "配偶的外祖父母"
    OTHER = "其他具有法定扶养、赡养关系的亲属"


DECLARABLE = tuple(relation for relation in Relation if relation is not Relation.SELF)
"""The 16 relations of R15, in the order of the form: what its drop-down offers."""


def parse_relation(text: str) -> Relation:
    """The relation that a cell 亲属关系 means. Raises InputError with the cure in Chinese (R15)."""
    word = _fold(text)
    if not word:
        raise InputError("the relation is empty", "亲属关系没有填写")
    relation = _resolve(word, owned=False)
    if relation is not None:
        return relation
    if word in _AMBIGUOUS.split() or _resolve(word, owned=True) is not None:
        raise InputError(
            "the relation may mean several of the closed list (R15)",
            "亲属关系写得不明确（见附件2说明4）：请写清是本人的还是配偶的亲属，并按表中列出的名称填写"
            "（如“本人兄弟姐妹的配偶”“配偶的兄弟姐妹”）",
        )
    if any(mark in word for mark in _OUT_OF_SCOPE.split()):
        raise InputError(
            "a relation outside the scope of the declaration (R15)",
            "该亲属关系不在申报范围内（见附件2说明4）：侄（甥）、堂表亲、叔伯姑舅姨、原配偶等不申报；"
            "确有法定扶养、赡养关系的，填“其他具有法定扶养、赡养关系的亲属”并在备注中说明",
        )
    raise InputError(
        "not a relation of the closed list (R15)",
        "亲属关系不在规定的名称之内，请按附件2说明4列出的名称填写：" + "、".join(DECLARABLE),
    )


def requires_remark(relation: Relation) -> bool:
    """Whether 备注 must say more: only for 其他具有法定扶养、赡养关系的亲属 (R15)."""
    return relation is Relation.OTHER


# --- words --------------------------------------------------------------------------------------

_TEXT_LIMIT = 64  # the longest entry has 17 characters
_TOO_LONG = "…"  # stands for a longer text and is no word of the list

_WORDS: dict[Relation, str] = {
    Relation.SELF: "自己 报告人 报告人本人 党员干部本人",
    Relation.SPOUSE: "妻 妻子 丈夫 夫 爱人 老婆 老公",
    Relation.CHILD: "儿女 子 儿 儿子 女儿 独子 独生子 独女 独生女 长子 次子 三子 四子 长女 次女 三女 "
    "四女 大儿子 二儿子 三儿子 小儿子 大女儿 二女儿 三女儿 小女儿 养子 养女 继子 继女",
    Relation.CHILD_SPOUSE: "子女配偶 儿媳 儿媳妇 女婿",
    Relation.SONS_CHILD: "孙 孙子 孙女 孙儿 孙女儿 儿子的儿子 儿子的女儿 儿子的子女",
    Relation.DAUGHTERS_CHILD: "外孙 外孙子 外孙女 外孙女儿 女儿的儿子 女儿的女儿 女儿的子女",
    Relation.PARENT: "父母 父 母 父亲 母亲 爸爸 妈妈 爸 妈 生父 生母 养父 养母 继父 继母",
    Relation.SIBLING: "哥 弟 姐 妹 兄 哥哥 弟弟 姐姐 妹妹 兄长 胞兄 胞弟 胞姐 胞妹 兄弟 姐妹 兄妹 姐弟 "
    "大哥 二哥 三哥 大姐 二姐 三姐 大弟 二弟 三弟 小弟 大妹 二妹 三妹 小妹",
    Relation.SIBLING_SPOUSE: "嫂 嫂子 嫂嫂 弟媳 弟媳妇 弟妇 姐夫 妹夫",
    Relation.FATHERS_PARENT: "祖父 祖母 爷爷 奶奶 父亲的父亲 父亲的母亲 父亲的父母",
    Relation.MOTHERS_PARENT: "外祖父 外祖母 外公 外婆 姥爷 姥姥 母亲的父亲 母亲的母亲 母亲的父母",
    Relation.SPOUSE_PARENT: "配偶父母 岳父 岳母 岳父母 丈人 老丈人 丈母娘 公婆",
    Relation.SPOUSE_SIBLING: "配偶兄弟姐妹 内兄 内弟 妻兄 妻弟 妻姐 妻妹 夫兄 夫弟 夫姐 夫妹 "
    "大舅子 小舅子 大舅哥 大姨子 小姨子 大伯子 小叔子 大姑子 小姑子",
    Relation.SPOUSE_SIBLING_SPOUSE: "连襟 妯娌",
    Relation.SPOUSE_FATHERS_PARENT: "配偶祖父母",
    Relation.SPOUSE_MOTHERS_PARENT: "配偶外祖父母",
}
# 本人的 and 配偶的 stand side by side in the list, so whoever drops one of them may mean either.
# (Not so 父母: the parents of a spouse have words of their own.)
_WITHOUT_OWNER: dict[str, Relation] = {
    "兄弟姐妹": Relation.SIBLING,
    "兄弟姊妹": Relation.SIBLING,
    "兄弟姐妹配偶": Relation.SIBLING_SPOUSE,
    "祖父母": Relation.FATHERS_PARENT,
    "爷爷奶奶": Relation.FATHERS_PARENT,
    "外祖父母": Relation.MOTHERS_PARENT,
    "外公外婆": Relation.MOTHERS_PARENT,
}
# Each of these means one relation of the list or another one, or one that is out of scope: 媳妇 a
# wife or a daughter-in-law, 姨妹 a wife's sister (so in Chongqing) or a cousin, 婆婆 a husband's mother
# or (so in Chongqing) a grandmother, 女 also a sex.
_AMBIGUOUS = (
    "女 男 媳妇 弟妹 公公 婆婆 亲属 亲戚 其他 其它 其他亲属 其它亲属 "
    "舅子 舅哥 舅兄 舅弟 舅老倌 妻舅 大舅 小舅 "
    "姨姐 姨妹 姨姐子 姨妹子 大姨 小姨 大姑 小姑 大姑姐 大伯 小叔"
)
# Marks of those out of scope, looked for only after every word of the list has failed.
_OUT_OF_SCOPE = (
    "侄 甥 叔 伯 姑 舅 姨 婶 堂哥 堂弟 堂姐 堂妹 堂兄 堂亲 表哥 表弟 表姐 表妹 表兄 表亲 "
    "前妻 前夫 前配偶 原配偶 离异 未婚 男友 女友 男朋友 女朋友 "
    "曾孙 重孙 玄孙 曾祖 太爷 太奶 孙媳 孙女婿 孙婿 亲家 干爹 干妈 干儿 干女 义父 义母 义子 义女"
)
# "A 的 B": what B of A is to the official. R14 takes the children of both, himself and his spouse.
_COMPOSED: dict[tuple[Relation, Relation], Relation] = {
    (Relation.SPOUSE, Relation.PARENT): Relation.SPOUSE_PARENT,
    (Relation.SPOUSE, Relation.SIBLING): Relation.SPOUSE_SIBLING,
    (Relation.SPOUSE, Relation.SIBLING_SPOUSE): Relation.SPOUSE_SIBLING_SPOUSE,
    (Relation.SPOUSE, Relation.FATHERS_PARENT): Relation.SPOUSE_FATHERS_PARENT,
    (Relation.SPOUSE, Relation.MOTHERS_PARENT): Relation.SPOUSE_MOTHERS_PARENT,
    (Relation.SPOUSE, Relation.CHILD): Relation.CHILD,
    (Relation.SPOUSE, Relation.CHILD_SPOUSE): Relation.CHILD_SPOUSE,
    (Relation.SPOUSE, Relation.SONS_CHILD): Relation.SONS_CHILD,
    (Relation.SPOUSE, Relation.DAUGHTERS_CHILD): Relation.DAUGHTERS_CHILD,
    (Relation.CHILD, Relation.SPOUSE): Relation.CHILD_SPOUSE,
    (Relation.SIBLING, Relation.SPOUSE): Relation.SIBLING_SPOUSE,
    (Relation.SPOUSE_SIBLING, Relation.SPOUSE): Relation.SPOUSE_SIBLING_SPOUSE,
}


def _fold(text: str) -> str:
    """NFKC without white space, punctuation and invisible characters; 之 read as 的."""
    text = "".join(text.split())
    if len(text) > _TEXT_LIMIT:
        return _TOO_LONG
    folded = unicodedata.normalize("NFKC", text)
    kept = (c for c in folded if not c.isspace() and unicodedata.category(c)[0] not in "CPZ")
    return "".join(kept).replace("之", "的")


_BY_WORD = {word: relation for relation, words in _WORDS.items() for word in words.split()}
_BY_WORD |= {_fold(relation): relation for relation in Relation}


def _resolve(word: str, *, owned: bool) -> Relation | None:
    """The relation of a folded word, or of words joined by 的; None where it is not safe.

    ``owned``: the words before it say whose relative it is, so 兄弟姐妹 alone will do.
    """
    if word in _BY_WORD:
        return _BY_WORD[word]
    if owned and word in _WITHOUT_OWNER:
        return _WITHOUT_OWNER[word]
    if "法定" in word and any(duty in word for duty in ("扶养", "抚养", "赡养")):
        return Relation.OTHER
    for owner in ("本人的", "本人", "我的", "我"):
        if word.startswith(owner):
            return _resolve(word.removeprefix(owner), owned=True)
    whose, joined, who = word.rpartition("的")
    if not joined:
        return None
    first, second = _resolve(whose, owned=owned), _resolve(who, owned=True)
    return _COMPOSED.get((first, second)) if first and second else None
