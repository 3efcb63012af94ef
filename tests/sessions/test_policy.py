"""Whose dealings are one session: every boundary with every identifier on every channel, and laws over all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from kikao.i18n.e164 import E164
from kikao.sessions.limits import Rate
from kikao.sessions.policy import (
    DEFAULTS,
    Address,
    Boundary,
    Explicit,
    Identifier,
    MissingIdentifier,
    Policies,
    SessionPolicy,
    address_kind,
    address_of,
    explain,
    key_parts,
    session_key,
    url_part,
)
from kikao.sessions.sealing import KeyRing
from tests.sessions.policy_page import PLACES, of_country, sets

RING = KeyRing({"test": bytes(range(32))})


# --- every combination, as it is written here and not as the code works it out ---

PARTED: Final[Mapping[str, Mapping[str, str]]] = {
    "ussd": {
        "flow": "flow:menu",
        "channel": "channel:ussd",
        "gateway": "gateway:ussd/nalo",
        "url": "url:pay.example_ussd_nalo",
    },
    "sms": {
        "flow": "flow:menu",
        "channel": "channel:sms",
        "gateway": "gateway:sms/nalo",
        "url": "url:pay.example_sms_nalo",
    },
    "whatsapp": {
        "flow": "flow:menu",
        "channel": "channel:whatsapp",
        "gateway": "gateway:whatsapp/cloud-api",
        "url": "url:pay.example_whatsapp",
    },
    "telegram": {
        "flow": "flow:menu",
        "channel": "channel:telegram",
        "gateway": "gateway:telegram/bot-api",
        "url": "url:pay.example_telegram",
    },
    "socket": {
        "flow": "flow:menu",
        "channel": "channel:socket",
        "gateway": "gateway:socket/phoenix",
        "url": "url:pay.example_socket_websocket",
    },
}

NUMBER = ("msisdn:+256772000001",)
HIDDEN = ("token:ussd/nalo/x7/Q",)
WHATSAPP = ("whatsapp:256772000001",)
NO_NUMBER = "names no msisdn"
NO_USER = "names no user id"
NO_REQUEST = "names no request id"

IDENTIFIED: Final[Mapping[str, tuple[Identifier, Mapping[str, tuple[str, ...] | str]]]] = {
    "of the channel": (
        "",
        {
            "ussd": (*NUMBER, "code:*284#"),
            "ussd, number hidden": (*HIDDEN, "code:*284#"),
            "sms": NUMBER,
            "whatsapp": WHATSAPP,
            "telegram": ("telegram:4711",),
            "socket": ("user:asha",),
        },
    ),
    "address": (
        "address",
        {
            "ussd": NUMBER,
            "ussd, number hidden": HIDDEN,
            "sms": NUMBER,
            "whatsapp": WHATSAPP,
            "telegram": ("telegram:4711",),
            "socket": ("user:asha",),
        },
    ),
    "member": (
        "member",
        {
            "ussd": NUMBER,
            "ussd, number hidden": HIDDEN,
            "sms": NUMBER,
            "whatsapp": WHATSAPP,
            "telegram": ("telegram:4711",),
            "socket": ("user:asha",),
        },
    ),
    "msisdn": (
        "msisdn",
        {
            "ussd": NUMBER,
            "ussd, number hidden": NO_NUMBER,
            "sms": NUMBER,
            "whatsapp": NO_NUMBER,
            "telegram": NO_NUMBER,
            "socket": NO_NUMBER,
        },
    ),
    "user_id": (
        "user_id",
        {
            "ussd": NO_USER,
            "ussd, number hidden": NO_USER,
            "sms": NO_USER,
            "whatsapp": ("user_id:whatsapp/256772000001",),
            "telegram": ("user_id:telegram/4711",),
            "socket": ("user_id:socket/asha",),
        },
    ),
    "request_id": (
        "request_id",
        {
            "ussd": (*NUMBER, "request:ussd/nalo/dialogue-9"),
            "ussd, number hidden": (*HIDDEN, "request:ussd/nalo/dialogue-9"),
            "sms": NO_REQUEST,
            "whatsapp": NO_REQUEST,
            "telegram": NO_REQUEST,
            "socket": ("user:asha", "request:socket/phoenix/join-3"),
        },
    ),
    "explicit": (Explicit("kiosk-7"), dict.fromkeys(PLACES, ("explicit:kiosk-7",))),
    "function": (
        of_country,
        {
            "ussd": ("given:+256",),
            "ussd, number hidden": ("given:abroad",),
            "sms": ("given:+256",),
            "whatsapp": ("given:abroad",),
            "telegram": ("given:abroad",),
            "socket": ("given:abroad",),
        },
    ),
}

SETS: Final = sets()


def name_of(value: object) -> str:
    return "+".join(sorted(value)) or "none" if isinstance(value, frozenset) else str(value)


@pytest.mark.parametrize("identifier", IDENTIFIED)
@pytest.mark.parametrize("boundaries", SETS, ids=name_of)
def test_the_parts_of_a_key(boundaries: frozenset[Boundary], identifier: str) -> None:
    kind, by_place = IDENTIFIED[identifier]
    if kind == "member" and boundaries - {"flow"}:
        with pytest.raises(ValueError, match="its only boundary may be flow"):
            SessionPolicy(boundaries=boundaries, identifier=kind)
        return
    policy = SessionPolicy(boundaries=boundaries, identifier=kind)
    for place, address in PLACES.items():
        expected = by_place[place]
        if isinstance(expected, str):
            with pytest.raises(
                MissingIdentifier, match=f"^{address.channel}/{address.gateway}: .*{expected}$"
            ):
                key_parts(address, policy, flow="menu")
        else:
            parted = PARTED[address.channel]
            apart = [parted[name] for name in ("flow", "channel", "gateway", "url") if name in boundaries]
            assert key_parts(address, policy, flow="menu") == (*apart, *expected), place
            assert explain(address, policy, flow="menu")[-1] == ("key", " | ".join((*apart, *expected)))


def test_there_are_sixteen_sets_and_an_identifier_for_each_row() -> None:
    assert len(set(SETS)) == 16
    assert all(by_place.keys() == PLACES.keys() for _, by_place in IDENTIFIED.values())


def test_an_explanation_has_a_line_for_every_boundary() -> None:
    lines = explain(PLACES["ussd"], SessionPolicy.across_gateways(), flow="menu")

    assert lines == [
        ("boundary flow", "apart for each flow: menu"),
        ("boundary channel", "apart for each channel: ussd"),
        ("boundary gateway", "shared"),
        ("boundary url", "shared"),
        ("identifier", "address: msisdn:+256772000001"),
        ("key", "flow:menu | channel:ussd | msisdn:+256772000001"),
    ]


# --- what is missing is an error, never a session that others share ---

NOBODY: Final = ("", " ", "\t\n", "\0", "\u200b", "\u00a0\u2060", "\ufeff", "\ud800", "x\udfff")


@pytest.mark.parametrize("nobody", NOBODY, ids=ascii)
@pytest.mark.parametrize("identifier", ["", "address", "member", "user_id", "request_id"])
@pytest.mark.parametrize("place", ["ussd, number hidden", "telegram", "socket"])
def test_who_has_no_name_has_no_session(place: str, identifier: Any, nobody: str) -> None:
    policy = SessionPolicy(boundaries=frozenset({"flow"}), identifier=identifier)
    address = replace(PLACES[place], identity=nobody)

    with pytest.raises(MissingIdentifier):
        key_parts(address, policy, flow="menu")


@pytest.mark.parametrize("nobody", NOBODY, ids=ascii)
def test_what_is_blank_is_missing(nobody: str) -> None:
    ussd = PLACES["ussd"]
    for field, policy, what in (
        ("request_id", SessionPolicy.ephemeral(), "request id"),
        ("url", SessionPolicy.per_url(), "url"),
        ("msisdn", SessionPolicy(identifier="msisdn"), "msisdn"),
    ):
        with pytest.raises(MissingIdentifier, match=f"^ussd/nalo: the inbound names no {what}$"):
            key_parts(replace(ussd, **{field: nobody}), policy, flow="menu")
    with pytest.raises(MissingIdentifier, match="returned an empty text"):
        key_parts(ussd, SessionPolicy(identifier=lambda address: nobody), flow="menu")
    with pytest.raises(ValueError, match="must not be empty"):
        Explicit(nobody)


def test_a_function_that_fails_names_nobody_and_tells_nothing_of_the_member() -> None:
    def broken(address: Address) -> str:
        raise KeyError(address.msisdn)

    for identify, told in ((broken, "raised KeyError"), (lambda address: None, "returned NoneType")):
        policy = SessionPolicy(identifier=identify)  # type: ignore[arg-type]
        with pytest.raises(MissingIdentifier, match=told) as missing:
            key_parts(PLACES["ussd"], policy, flow="menu")
        assert "256" not in str(missing.value)


# --- two people are never one ---

TEXTS: Final = st.one_of(
    st.sampled_from(
        ["+256772000001", "a", "A", "a/b", "nalo/a", "a:b", "a|b", "é", "e\u0301", "1", "x y", "channel:ussd"]
    ),
    st.text(st.sampled_from("a/:|*#+. \0\n\u200bñ😀"), max_size=6),
    st.text(max_size=12),
)
NUMBERS: Final = st.from_regex(E164, fullmatch=True)
GATEWAYS: Final = st.sampled_from(["nalo", "africastalking", "a", "b"])  # slugs: a-z, 0-9, _ and -
MADE: Final = ("", "address", "member", "msisdn", "user_id", "request_id")
"""The identifiers that kikao itself makes an id of."""

ALL: Final = [
    SessionPolicy(boundaries=boundaries, identifier=identifier)
    for boundaries in SETS
    for identifier in MADE
    if identifier != "member" or boundaries <= {"flow"}
]
"""Every policy whose identifier kikao makes."""

policies = st.sampled_from(ALL)
people = st.tuples(st.one_of(st.just(""), NUMBERS), TEXTS)
"""A number, if they have one, and what they are called where numbers do not count."""


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Address, Address]:
    """Where two people are met who have as much in common as two people can."""
    number, name = draw(people)
    other_number, other_name = draw(st.one_of(st.just(""), NUMBERS)), draw(st.one_of(st.just(name), TEXTS))
    assume(number != other_number or not number)
    one, other = draw(met((number, name))), draw(met((other_number, other_name)))
    assume(name != other_name or namespace(one) != namespace(other))
    shared = st.sampled_from([("*284#", "pay.example/ussd", "1"), ("", "", ""), ("#", "/", "a/b")])
    code, url, request = draw(shared)
    return tuple(replace(a, service_code=code, url=url, request_id=request) for a in (one, other))  # type: ignore[return-value]


@st.composite
def met(draw: st.DrawFn, person: tuple[str, str]) -> Address:
    """Where somebody is met: the channel may or may not know their number."""
    number, name = person
    channel, gateway = draw(st.sampled_from(list(DEFAULTS))), draw(GATEWAYS)
    if channel in ("ussd", "sms"):
        identity, msisdn = number or name, number
    else:
        identity, msisdn = name, draw(st.sampled_from(["", number]))
    return Address(channel, gateway, identity, draw(TEXTS), msisdn, draw(TEXTS), draw(TEXTS))


def key_of(address: Address, policy: SessionPolicy, flow: str = "menu") -> bytes | None:
    try:
        return session_key(RING, key_parts(address, policy, flow=flow))
    except MissingIdentifier:
        return None


def namespace(address: Address) -> tuple[str, ...]:
    """Within which a name that is no number is one person's."""
    return (address.channel, address.gateway) if address.channel in ("ussd", "sms") else (address.channel,)


@given(pairs())
@example((Address("ussd", "nalo", "a"), Address("ussd", "africastalking", "a")))
@example((Address("telegram", "a", "1"), Address("socket", "a", "1")))
def test_two_people_never_get_one_key(met: tuple[Address, Address]) -> None:
    one, other = ({key_of(address, policy) for policy in ALL} - {None} for address in met)

    assert one & other == set(), "whatever the policies of their channels are"


@given(st.data(), policies, people)
def test_one_person_at_one_place_has_one_key(
    data: st.DataObject, policy: SessionPolicy, asha: tuple[str, str]
) -> None:
    address = data.draw(met(asha))
    later = address if policy.wants_request else replace(address, request_id=data.draw(TEXTS))
    later = later if policy.wants_url else replace(later, url=data.draw(TEXTS))

    assert key_of(address, policy) == key_of(replace(later, parts=("of", "no", "account")), policy)


@given(st.data(), NUMBERS, TEXTS)
def test_a_number_is_one_member_wherever_it_is_known(data: st.DataObject, number: str, name: str) -> None:
    known = met((number, name)).filter(lambda address: address.msisdn != "")
    one, other = data.draw(known), data.draw(known)

    for policy in (SessionPolicy.across_channels(), SessionPolicy.shared()):
        assert key_of(one, policy) == key_of(other, policy)


@given(st.data(), policies, policies, people, TEXTS)
def test_an_id_of_the_apps_own_is_never_taken_for_a_member(
    data: st.DataObject, made: SessionPolicy, own: SessionPolicy, asha: tuple[str, str], name: str
) -> None:
    address = data.draw(met(asha))
    key = key_of(address, made)
    assume(name.isprintable() and name.strip())

    explicit = replace(own, identifier=Explicit(name), boundaries=made.boundaries)
    function = replace(own, identifier=lambda address: name, boundaries=made.boundaries)

    found = [key, key_of(address, explicit), key_of(address, function)]
    assert key is None or len(set(found)) == 3


# --- the url rule ---


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("pay.example/ussd/nalo", "pay.example_ussd_nalo"),
        ("pay.example:8443/ussd/nalo", "pay.example_8443_ussd_nalo"),
        ("pay.example/über uns", "pay.example__ber_uns"),
        ("a" * 50, "a" * 50),
        ("a" * 51, "a" * 41 + "_bfc5fe0e"),
        (
            "kampala.branches.pay.example/ussd/africastalking",
            "kampala.branches.pay.example_ussd_africastalking",
        ),
    ],
)
def test_a_url_as_part_of_a_key(url: str, part: str) -> None:
    assert url_part(url) == part


@given(st.text(max_size=120))
@example("/" * 51)
@example("\ud800" * 60)
def test_a_part_is_plain_and_short(url: str) -> None:
    part = url_part(url)

    assert re.fullmatch(r"[A-Za-z0-9._-]{0,50}", part)
    if len(url) <= 50:
        assert len(part) == len(url)
        assert all(kept in (given, "_") for kept, given in zip(part, url, strict=True))
    else:
        assert re.fullmatch(r"[A-Za-z0-9._-]{41}_[0-9a-f]{8}", part)
        assert part[:41] == url_part(url[:41])


@given(st.text(min_size=51, max_size=80), st.text(min_size=51, max_size=80))
def test_long_urls_that_differ_stay_apart(one: str, other: str) -> None:
    assume(one != other)

    assert url_part(one) != url_part(other)


# --- policies as they are written ---


@pytest.mark.parametrize(
    ("policy", "boundaries", "identifier"),
    [
        (SessionPolicy(), {"flow", "channel", "gateway"}, ""),
        (SessionPolicy.durable(), {"flow", "channel", "gateway"}, "address"),
        (SessionPolicy.ephemeral(), {"flow", "channel", "gateway"}, "request_id"),
        (SessionPolicy.across_gateways(), {"flow", "channel"}, "address"),
        (SessionPolicy.across_channels(), {"flow"}, "member"),
        (SessionPolicy.per_url(), {"flow", "channel", "gateway", "url"}, ""),
        (SessionPolicy.shared(), set(), "address"),
    ],
)
def test_the_shorthands(policy: SessionPolicy, boundaries: set[Boundary], identifier: Identifier) -> None:
    assert policy.boundaries == boundaries
    assert policy.identifier == identifier


def test_a_shorthand_takes_further_fields() -> None:
    policy = SessionPolicy.across_gateways(idle=60, boundaries={"channel"})

    assert (policy.idle, policy.identifier) == (60, "address")
    assert policy.boundaries == frozenset({"channel"})


def test_boundaries_may_be_any_set_of_names_and_stay_as_they_were() -> None:
    written: Any = {"flow", "channel"}
    policy = SessionPolicy(boundaries=written)
    written.add("url")

    assert policy.boundaries == frozenset({"flow", "channel"})
    assert hash(policy.boundaries)


async def look_up(address: Address) -> str:
    raise AssertionError("never called")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"limits": Rate(3)}, "limits must be Limits"),
        ({"boundaries": {"flows"}}, "no such boundary: flows. There are: flow, channel, gateway, url"),
        ({"boundaries": "url"}, "no such boundary: l, r, u"),
        ({"identifier": "phone"}, "no such identifier: 'phone'"),
        ({"identifier": 7}, "no such identifier: 7"),
        ({"identifier": None}, "no such identifier: None"),
        ({"identifier": look_up}, "not of a look-up"),
        ({"identifier": "member"}, "its only boundary may be flow"),
        ({"idle": 0}, "must be more than 0"),
        ({"idle": float("nan")}, "must be more than 0"),
        ({"absolute": 0}, "must be more than 0"),
        ({"absolute": float("nan")}, "must be more than 0"),
        ({"outcome": -1}, "must be more than 0"),
        ({"resume": -1}, "must not be negative"),
        ({"resume": float("nan")}, "must not be negative"),
        ({"reconnection": -1}, "must not be negative"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        SessionPolicy(**fields)


def test_the_policy_of_an_app_holds_for_every_channel_or_for_those_it_names() -> None:
    own = SessionPolicy.shared()

    assert [Policies()[channel] for channel in DEFAULTS] == list(DEFAULTS.values())
    assert Policies(own)["ussd"] is own
    spoken = structs.replace(own, opens="message")  # nobody dials elsewhere
    assert {Policies(own)[channel] for channel in DEFAULTS if channel != "ussd"} == {spoken}
    some = Policies({"telegram": own})
    assert [channel for channel in some if some[channel] is own] == ["telegram"]
    assert some["ussd"] == DEFAULTS["ussd"]


def test_channels_that_do_not_exist_or_have_no_user_ids_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"no such channel: ussdd\. There are: ussd, sms, whatsapp, telegram, socket"
    ):
        Policies({"ussdd": SessionPolicy()})
    with pytest.raises(ValueError, match="ussd has no user ids: identify by 'address' or 'msisdn'"):
        Policies({"ussd": SessionPolicy(identifier="user_id")})
    with pytest.raises(ValueError, match="telegram has no urls that tell sessions apart"):
        Policies({"telegram": SessionPolicy.per_url()})


def test_an_address_is_known_by_the_number_before_anything_else() -> None:
    assert address_kind(replace(PLACES["whatsapp"], msisdn="+256772000001")) == ("msisdn", "+256772000001")
    assert address_kind(PLACES["whatsapp"]) == ("whatsapp", "256772000001")
    assert address_kind(PLACES["ussd, number hidden"]) == ("token", "ussd/nalo/x7/Q")


@pytest.mark.parametrize("place", PLACES)
def test_a_key_of_a_member_tells_its_address_wherever_they_came_from(place: str) -> None:
    policy, address, met = SessionPolicy.across_channels(), PLACES[place], PLACES["ussd"]
    parts = key_parts(address, policy, flow="menu")
    assert key_parts(address_of(parts, met), policy, flow="menu") == parts
    assert address_of(parts, met).parts == parts


# --- groups ---

GROUPS: Final = st.sampled_from(["-1", "-100123", "-100123/7", "a"])


@given(pairs(), GROUPS, GROUPS)
def test_what_is_said_in_a_group_is_nobody_elses_and_nobody_has_it_elsewhere(
    met: tuple[Address, Address], group: str, other_group: str
) -> None:
    one, other = (replace(address, channel="telegram") for address in met)
    assume(one.identity != other.identity and one.msisdn == other.msisdn == "")
    there = {key_of(replace(one, group=group), policy) for policy in ALL} - {None}
    assert there.isdisjoint({key_of(one, policy) for policy in ALL})
    assert there.isdisjoint({key_of(replace(other, group=other_group), policy) for policy in ALL})
    if group != other_group:
        assert there.isdisjoint({key_of(replace(one, group=other_group), policy) for policy in ALL})


def test_a_group_may_share_its_session_or_have_none() -> None:
    asha = replace(PLACES["telegram"], group="-1001")
    brian = replace(asha, identity="4712")
    shared = SessionPolicy(groups="shared")
    assert key_parts(asha, shared, flow="menu") == key_parts(brian, shared, flow="menu")
    assert key_parts(asha, shared, flow="menu")[-1] == "group:telegram/-1001"
    assert not shared.names_one(asha)
    assert shared.names_one(PLACES["telegram"])
    with pytest.raises(MissingIdentifier, match="the policy has no sessions in groups"):
        key_parts(asha, SessionPolicy(groups="off"), flow="menu")
    assert key_parts(PLACES["telegram"], SessionPolicy(groups="off"), flow="menu")
    with pytest.raises(ValueError, match="groups must be one of member, shared, off, not 'all'"):
        SessionPolicy(groups="all")  # type: ignore[arg-type]


@pytest.mark.parametrize("whose", ["member", "shared"])
def test_an_explanation_tells_of_the_group(whose: Any) -> None:
    asha, policy = replace(PLACES["telegram"], group="-1001"), SessionPolicy(groups=whose)
    lines = explain(asha, policy, flow="menu")
    assert ("group", lines[4][1]) == lines[4]
    assert lines[4][1].endswith(": group:telegram/-1001")
    assert lines[-1] == ("key", " | ".join(key_parts(asha, policy, flow="menu")))


def test_where_all_are_apart_by_url_chats_are_by_their_line() -> None:
    policies = Policies(SessionPolicy(boundaries=frozenset({"flow", "url"})))
    assert policies["ussd"].boundaries == policies["socket"].boundaries == {"flow", "url"}
    for channel in ("sms", "whatsapp", "telegram"):
        assert policies[channel].boundaries == {"flow", "gateway"}
        assert policies[channel].opens == "message"
