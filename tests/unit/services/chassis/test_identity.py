"""services.chassis.identity: which URIs name somebody, and under which DNS name a server is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.identity import Identity, IdentityError, server_dns_name

_NAMES = st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)


@pytest.mark.parametrize(
    ("uri", "identity"),
    [
        ("spiffe://fuling/matcher", Identity("fuling", "matcher")),
        ("spiffe://fuling/unit/cai-zheng-1", Identity("fuling", "unit", "cai-zheng-1")),
        (
            "spiffe://fuling/clerk/caizheng/li.ming",
            Identity("fuling", "clerk", "caizheng", "li.ming"),
        ),
    ],
)
def test_uri_and_identity_are_one_to_one(uri: str, identity: Identity) -> None:
    assert Identity.parse(uri) == identity
    assert str(identity) == uri


@given(_NAMES, _NAMES)
def test_every_identity_comes_back_from_its_uri(name: str, login: str) -> None:
    identity = Identity("fuling", "clerk", name, login)
    assert Identity.parse(str(identity)) == identity


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "spiffe://",
        "spiffe:///matcher",
        "spiffe://fuling",
        "spiffe://fuling/",
        "spiffe://fuling/unit/",
        "spiffe://fuling//a",
        "spiffe://fuling/unit/a/b/c",
        "spiffe://fuling/unit/a?x=1",
        "spiffe://fuling/unit/a#x",
        "spiffe://fuling/unit/%61",
        "spiffe://fuling/unit/..",
        "spiffe://fuling/unit/.",
        "spiffe://fuling/unit/a\n",
        "spiffe://fuling/unit/A",
        "spiffe://fuling/unit/财政局",
        "spiffe://fuling/unit/" + "a" * 65,
        "spiffe://fuling:443/matcher",
        "spiffe://user@fuling/matcher",
        "spiffe://Fuling/matcher",
        "SPIFFE://fuling/matcher",
        "https://fuling/matcher",
        "spiffe:/fuling/matcher",
        " spiffe://fuling/matcher",
    ],
)
def test_malformed_uri_names_nobody(uri: str) -> None:
    with pytest.raises(IdentityError):
        Identity.parse(uri)


def test_refusal_does_not_repeat_the_uri() -> None:
    with pytest.raises(IdentityError) as refusal:
        Identity.parse("spiffe://fuling/unit/Zhang San")
    assert "Zhang" not in str(refusal.value)


def test_login_without_name_is_refused() -> None:
    with pytest.raises(IdentityError):
        Identity("fuling", "clerk", "", "li")


def test_server_name_holds_name_role_and_district() -> None:
    assert server_dns_name(Identity("fuling", "matcher")) == "matcher.fuling.libmatch"
    assert server_dns_name(Identity("fuling", "unit", "a-1")) == "a-1.unit.fuling.libmatch"


@pytest.mark.parametrize(
    "identity",
    [Identity("fuling", "clerk", "a", "li"), Identity("fuling", "unit", "a.b")],
)
def test_only_servers_have_a_server_name(identity: Identity) -> None:
    with pytest.raises(IdentityError):
        server_dns_name(identity)
