"""Why an identifier is refused: stable codes with the rule, an English and a Chinese text each.

A code fits one byte, so a column of refusals is an array that any kernel can fill. The texts name
the rule and the cure and never any part of the number. Spec: ``docs/spec/identifiers.md``, section 8.
"""

from __future__ import annotations

from enum import IntEnum

from libmatch.errors import IdentifierError, IdentifierRule


class Refusal(IntEnum):
    """The reason in detail; several codes share one ``IdentifierRule``. Values never change."""

    NONE = 0
    EMPTY = 1
    FLOAT_TEXT = 2
    FLOAT_ZEROS = 3
    CHARACTERS = 4
    MASKED = 5
    LETTER_INSIDE = 6
    LENGTH = 7
    TRUNCATED = 8
    REGION = 9
    BIRTH_DATE = 10
    BIRTH_TOO_OLD = 11
    BIRTH_IN_FUTURE = 12
    CENTENARIAN = 13
    CHECK_DIGIT = 14
    CREDIT_CHECK = 15
    ORGANISATION_CHECK = 16
    OTHER_KIND = 17
    AMBIGUOUS = 18
    STATE_KIND = 19
    TRAVEL_PERMIT = 20
    PASSPORT_LENGTH = 21
    NOT_FOREIGN = 22
    NEITHER = 23
    CREDIT_CHARACTERS = 24

    @property
    def rule(self) -> IdentifierRule:
        """The rule that this reason belongs to. Raises KeyError for ``NONE``."""
        return _TABLE[self][0]

    def error(self) -> IdentifierError:
        """The error to raise for this reason. Raises KeyError for ``NONE``."""
        return IdentifierError(*_TABLE[self])


_AS_TEXT = "请把该列设为“文本”格式，再按证件重新填写完整号码"
_CHECK = "请对照证件逐位核对"

_TABLE: dict[Refusal, tuple[IdentifierRule, str, str]] = {
    Refusal.EMPTY: (
        IdentifierRule.EMPTY,
        "the identifier is empty",
        "证件号码没有填写",
    ),
    Refusal.FLOAT_TEXT: (
        IdentifierRule.FLOAT,
        "a spreadsheet turned the identifier into a number; its last digits are lost",
        f"号码被表格软件当成数字处理，末尾几位已经丢失，无法还原；{_AS_TEXT}",
    ),
    Refusal.FLOAT_ZEROS: (
        IdentifierRule.FLOAT,
        "the check digit is wrong and the last three digits are 0, as after a detour through a float",
        f"校验码不对且末三位都是0，多半是表格软件把号码当成数字、丢了末三位；{_AS_TEXT}",
    ),
    Refusal.CHARACTERS: (
        IdentifierRule.CHARACTERS,
        "the identifier holds characters other than ASCII letters and digits",
        "号码里有数字和英文字母以外的字符（也可能是外形相似的外文字母），"
        "请改用英文输入法，一格只填一个号码",
    ),
    Refusal.MASKED: (
        IdentifierRule.CHARACTERS,
        "the identifier is masked with asterisks",
        "号码被星号遮盖，无法比对，请填写完整号码",
    ),
    Refusal.LETTER_INSIDE: (
        IdentifierRule.CHARACTERS,
        "a letter stands where this kind of identifier has only digits",
        "应当是数字的位置上有字母（常见的是把0写成O、把1写成I），请核对；只有末位可以是X",
    ),
    Refusal.LENGTH: (
        IdentifierRule.LENGTH,
        "no identifier of the accepted kinds has this length",
        "号码位数不对：身份证号码应为18位（旧号15位），统一社会信用代码应为18位；"
        "请检查是否漏写、多写，或一格填了两个号码",
    ),
    Refusal.TRUNCATED: (
        IdentifierRule.LENGTH,
        "15 digits that also read as the beginning of an 18-digit number",
        "只有15位，但看起来是18位号码缺了末三位，无法判断；请填写18位身份证号码",
    ),
    Refusal.REGION: (
        IdentifierRule.REGION,
        "the region code begins with no province of GB/T 2260",
        f"号码里的地区代码不存在（省级代码不对），{_CHECK}",
    ),
    Refusal.BIRTH_DATE: (
        IdentifierRule.BIRTH_DATE,
        "the birth date in the identifier is not a date of the calendar",
        f"号码里的出生日期不存在，{_CHECK}",
    ),
    Refusal.BIRTH_TOO_OLD: (
        IdentifierRule.BIRTH_DATE,
        "the birth date in the identifier is more than 150 years ago",
        f"号码里的出生日期距今超过150年，{_CHECK}",
    ),
    Refusal.BIRTH_IN_FUTURE: (
        IdentifierRule.BIRTH_IN_FUTURE,
        "the birth date in the identifier is in the future",
        f"号码里的出生日期晚于今天，{_CHECK}",
    ),
    Refusal.CENTENARIAN: (
        IdentifierRule.SEQUENCE,
        "sequence 996 to 999 of a 15-digit number means born before 1900, which is impossible here",
        "15位旧号的顺序码996至999只用于1900年以前出生的人，与号码里的出生日期不符；"
        "请填写18位身份证号码",
    ),
    Refusal.CHECK_DIGIT: (
        IdentifierRule.CHECK_DIGIT,
        "the check digit is wrong",
        f"号码有错：校验码（最后一位）与前面各位对不上，{_CHECK}",
    ),
    Refusal.CREDIT_CHECK: (
        IdentifierRule.CHECK_DIGIT,
        "the check character of the credit code is wrong",
        "统一社会信用代码有错：第18位校验码与前面各位对不上，请对照营业执照或登记证书核对",
    ),
    Refusal.ORGANISATION_CHECK: (
        IdentifierRule.CHECK_DIGIT,
        "the check character of the organisation code inside the credit code is wrong",
        "统一社会信用代码有错：第17位（组织机构代码的校验码）对不上，请对照营业执照或登记证书核对",
    ),
    Refusal.OTHER_KIND: (
        IdentifierRule.KIND,
        "not an identifier of the stated kind, but a valid one of another kind",
        "号码与所注明的证件类型不符（按另一种证件类型可以读通），请核对证件类型和号码",
    ),
    Refusal.AMBIGUOUS: (
        IdentifierRule.KIND,
        "may be a person's number, perhaps with a typing error, or a credit code; state the kind",
        "看不出是个人证件号码（可能有错）还是统一社会信用代码，请核对号码并注明证件类型",
    ),
    Refusal.STATE_KIND: (
        IdentifierRule.KIND,
        "may be a passport number or a fragment of another identifier; state the kind",
        "看不出是哪种证件的号码：如果是护照，请把证件类型注明为“护照”；如果是身份证号码，请补全",
    ),
    Refusal.TRAVEL_PERMIT: (
        IdentifierRule.KIND,
        "has the form of a travel permit of Hong Kong and Macao residents, which is not accepted",
        "看起来是港澳居民来往内地通行证号码，不能用来比对：请改填港澳台居民居住证号码（18位）；"
        "如果确是护照，请把证件类型注明为“护照”",
    ),
    Refusal.PASSPORT_LENGTH: (
        IdentifierRule.LENGTH,
        "a passport number has 5 to 9 letters and digits, with at least one digit",
        "护照号码应为5至9位数字和字母（至少一位数字），请核对",
    ),
    Refusal.NOT_FOREIGN: (
        IdentifierRule.KIND,
        "a foreign permanent resident's number is 9 and 17 more digits, or 3 letters and 12 digits",
        "不是外国人永久居留身份证号码：新证应为9开头的18位，旧证应为3位字母加12位数字，"
        "请核对证件类型和号码",
    ),
    Refusal.NEITHER: (
        IdentifierRule.CHECK_DIGIT,
        "18 digits beginning with 9 that are valid neither as a foreign permanent resident's number "
        "nor as a credit code",
        "9开头的18位号码有错：按外国人永久居留身份证、统一社会信用代码校验都不通过，"
        "请对照证件逐位核对",
    ),
    Refusal.CREDIT_CHARACTERS: (
        IdentifierRule.CHARACTERS,
        "not the form of a credit code: I, O, Z, S and V are not used, positions 3 to 8 are digits",
        "不是统一社会信用代码的写法：不使用字母I、O、Z、S、V，第3至8位应为数字，请核对",
    ),
}
