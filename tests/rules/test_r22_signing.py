"""Who signs for whom (R22 to R24), and who signs a list (R25)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.readings import OpinionBox, Signer
from services.rules.reporting import Person, Post
from services.rules.roles import SIGNERS, Role
from services.rules.ruleset import RuleSet
from services.rules.signing import (
    ListSignature,
    Opinion,
    SigningRight,
    require_box,
    require_not_self,
    require_signed_list,
    require_signer,
    sign_list,
    signer_of,
    signing_right,
)
from tests.rules_samples import DAY, RULES, TREE, account, number, refusal

OFFICIAL = number(0)


def right(unit: str, post: Post, rules: RuleSet = RULES) -> SigningRight:
    return signing_right(Person(unit, post, party_member=True), TREE, rules, DAY)


@pytest.mark.parametrize(
    ("unit", "post", "role", "units", "name"),
    [
        (
            "nongwei",
            Post.PARTY_HEAD,
            Role.DISCIPLINE_HEAD,
            {"nongwei", "jijianzu-1"},
            "同级纪检组织负责人",
        ),
        ("mawu", Post.PARTY_HEAD, Role.DISCIPLINE_HEAD, {"mawu"}, "同级纪检组织负责人"),
        ("nongwei", Post.LEADING_MEMBER, Role.PARTY_HEAD, {"nongwei"}, "党组织主要负责人"),
        ("nongwei", Post.SECTION, Role.LEADER_IN_CHARGE, {"nongwei"}, "分管领导"),
        ("nongji", Post.SECTION, Role.LEADER_IN_CHARGE, {"nongji", "nongwei"}, "分管领导"),
        (
            "mawu-sifasuo",
            Post.SECTION,
            Role.LEADER_IN_CHARGE,
            {"mawu-sifasuo", "sifa", "mawu"},
            "分管领导",
        ),
        ("shiba", Post.VILLAGE_CADRE, Role.VILLAGE_LEADER, {"mawu"}, "驻村领导"),
        ("xinmin", Post.GROUP_HEAD, Role.VILLAGE_LEADER, {"lizhi"}, "驻村领导"),
        ("shiba", Post.SUPPORTED, Role.VILLAGE_LEADER, {"mawu"}, "驻村领导"),
        (
            "nongji",
            Post.INSTITUTION_HEAD,
            Role.LEADER_IN_CHARGE,
            {"nongwei"},
            "上级主管部门分管领导",
        ),
        (
            "nongji-zhan",
            Post.INSTITUTION_HEAD,
            Role.LEADER_IN_CHARGE,
            {"nongji", "nongwei"},
            "上级主管部门分管领导",
        ),
    ],
)
def test_R22_signer_by_the_persons_post(
    unit: str, post: Post, role: Role, units: set[str], name: str
) -> None:
    got = right(unit, post)
    assert (got.role, got.units, got.name_zh) == (role, frozenset(units), name)


def test_R22_silent_cases_follow_the_rule_set() -> None:
    rules = replace(
        RULES,
        signer_of_supported_village_staff=Signer.LEADER_IN_CHARGE,
        signer_of_institution_heads=Signer.PARTY_HEAD,
    )
    assert signer_of(Person("shiba", Post.SUPPORTED), rules) is Signer.LEADER_IN_CHARGE
    assert signer_of(Person("shiba", Post.GROUP_HEAD), rules) is Signer.VILLAGE_LEADER
    assert right("nongji", Post.INSTITUTION_HEAD, rules).role is Role.PARTY_HEAD


def test_R22_wrong_role_or_unit_is_refused_and_told_who_is_right() -> None:
    section = right("nongwei", Post.SECTION)
    require_signer(section, account(Role.LEADER_IN_CHARGE, person=4), OFFICIAL)
    said = refusal("R22", require_signer, section, account(Role.PARTY_HEAD, person=4), OFFICIAL)
    assert "分管领导" in said.message_zh
    elsewhere = account(Role.LEADER_IN_CHARGE, unit="mawu", person=4)
    refusal("R22", require_signer, section, elsewhere, OFFICIAL)


def test_R22_institutions_own_leader_does_not_sign_for_its_head() -> None:
    own = account(Role.LEADER_IN_CHARGE, unit="nongji", person=4)
    refusal("R22", require_signer, right("nongji", Post.INSTITUTION_HEAD), own, OFFICIAL)


@given(
    st.sets(st.sampled_from(sorted(SIGNERS)), min_size=1),
    st.sampled_from(sorted(set(Post) - {Post.VILLAGE_CADRE, Post.GROUP_HEAD, Post.SUPPORTED})),
)
def test_R24_nobody_signs_for_himself_whatever_his_roles(roles: set[Role], post: Post) -> None:
    himself = account(*roles, unit="nongwei", person=0)
    unit = "nongji" if post is Post.INSTITUTION_HEAD else "nongwei"
    refusal("R24", require_signer, right(unit, post), himself, OFFICIAL)


def test_R24_own_account_does_not_sign_though_registered_to_another() -> None:
    signer = account(Role.LEADER_IN_CHARGE, person=4)
    refusal("R24", require_not_self, signer, OFFICIAL, replace(signer, person=OFFICIAL))
    require_not_self(signer, OFFICIAL, account(Role.OFFICIAL, person=0))
    require_not_self(signer, OFFICIAL, replace(signer, person=OFFICIAL, unit="mawu"))


def test_R23_box_is_signed_by_the_signer_of_R22() -> None:
    require_box(account(Role.LEADER_IN_CHARGE), None, "nongwei", RULES)


def test_R23_other_reading_asks_the_responsible_leader_too() -> None:
    rules = replace(RULES, opinion_box=OpinionBox.RESPONSIBLE_LEADER)
    signer = account(Role.LEADER_IN_CHARGE, person=4)
    leader = account(Role.RESPONSIBLE_LEADER, person=5)
    require_box(signer, leader, "nongwei", rules)
    refusal("R23", require_box, signer, None, "nongwei", rules)
    refusal("R23", require_box, signer, account(Role.WORKER, person=5), "nongwei", rules)
    refusal("R23", require_box, signer, leader, "mawu", rules)
    same = account(Role.RESPONSIBLE_LEADER, person=4)
    refusal("R23", require_box, signer, same, "nongwei", rules)


def test_R22_opinion_is_bound_to_a_digest_and_shows_nobody() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Opinion("login-4", DAY, b"")
    assert "login-4" not in repr(Opinion("login-4", DAY, bytes(32)))


DIGEST = bytes(range(32))
HEAD = account(Role.PARTY_HEAD, unit="nongwei", person=6)


def test_R25_list_is_signed_by_the_units_party_head() -> None:
    signature = sign_list(HEAD, "nongwei", DIGEST, DAY)
    assert signature == ListSignature("nongwei", "login-6", DAY, DIGEST)
    require_signed_list(signature, "nongwei", DIGEST)
    refusal("R25", sign_list, HEAD, "mawu", DIGEST, DAY)
    for role in set(Role) - {Role.PARTY_HEAD, Role.SYSTEM}:
        refusal("R25", sign_list, account(role), "nongwei", DIGEST, DAY)


def test_R25_unsigned_or_altered_list_is_not_matched() -> None:
    signature = sign_list(HEAD, "nongwei", DIGEST, DAY)
    assert "尚未" in refusal("R25", require_signed_list, None, "nongwei", DIGEST).message_zh
    for position in (0, 31):
        altered = bytearray(DIGEST)
        altered[position] ^= 1
        said = refusal("R25", require_signed_list, signature, "nongwei", bytes(altered))
        assert "有改动" in said.message_zh
    refusal("R25", require_signed_list, signature, "mawu", DIGEST)
    with pytest.raises(ValueError, match="32 bytes"):
        require_signed_list(signature, "nongwei", DIGEST[:31])
    with pytest.raises(ValueError, match="32 bytes"):
        sign_list(HEAD, "nongwei", b"", DAY)
