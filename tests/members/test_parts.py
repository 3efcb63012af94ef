"""The parts by themselves: addresses and their text, what is remembered in the process, zones of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.members import KINDS, Known, MemberAddress, parse_who
from kikao.members.addresses import address
from kikao.members.cache import Cache
from kikao.members.preferences import timezone_of

# --- addresses ---


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+256772000001", "+25677****01"),
        ("+1234567", "+1****67"),
        ("telegram:1234567", "telegram:****67"),
        ("telegram:1234", "telegram:****"),
        ("user:asha@example.org", "user:****rg"),
        ("whatsapp:UG.1349:7", "whatsapp:****:7"),
        ("token:ussd/nalo/abcdef", "token:****ef"),
    ],
)
def test_an_address_is_written_as_it_is_read_and_shown_masked(text: str, masked: str) -> None:
    named = parse_who(text)
    assert isinstance(named, MemberAddress)
    assert (named.clear, named.masked) == (text, masked)
    assert f"{named}" == repr(named) == f"<address {masked}>"


def test_a_member_id_names_a_member() -> None:
    assert parse_who("0123456789abcdef" * 2) == "0123456789abcdef" * 2


@pytest.mark.parametrize("text", ["", "256772000001", "0772000001", "sms:12", "+12", "telegram:", "0123"])
def test_what_names_nobody_says_what_would(text: str) -> None:
    with pytest.raises(ValueError, match="members: ") as caught:
        parse_who(text)
    assert not text or text not in str(caught.value).replace("+256772000001", "")


@given(
    st.sampled_from([kind for kind in KINDS if kind != "msisdn"]),
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40),
)
def test_every_address_comes_back_from_its_text_and_shows_two_characters_at_most(
    kind: str, identity: str
) -> None:
    one = address(kind, identity)
    assert parse_who(one.clear) == one
    assert one.masked.removeprefix(f"{kind}:****") in ("", identity[-2:])


# --- what is remembered in the process ---

ASHA, BINTA, CHIDI = (Known(letter * 32, "", "") for letter in "abc")


def keep(cache: Cache, name: str, known: Known, now: float = 0.0) -> None:
    cache.put(cache.key("user", name), known, now, changes=cache.changes)


def kept(cache: Cache, *names: str, now: float = 0.0) -> list[Known | None]:
    return [cache.get(cache.key("user", name), now) for name in names]


def test_the_one_not_used_for_longest_goes_first() -> None:
    cache = Cache(2, 30)
    keep(cache, "asha", ASHA)
    keep(cache, "binta", BINTA)
    kept(cache, "asha")
    keep(cache, "chidi", CHIDI)
    assert kept(cache, "asha", "binta", "chidi") == [ASHA, None, CHIDI]
    assert len(cache) == 2


def test_what_is_kept_is_kept_so_long_and_no_longer() -> None:
    cache = Cache(2, 30)
    keep(cache, "asha", ASHA, now=100)
    assert kept(cache, "asha", now=129.9) == [ASHA]
    assert kept(cache, "asha", now=130) == [None]
    assert kept(cache, "asha", now=99) == [None], "the clock was set back"


def test_a_member_is_forgotten_at_every_address() -> None:
    cache = Cache(10, 30)
    for name in ("home", "work"):
        keep(cache, name, ASHA)
    keep(cache, "binta", BINTA)
    cache.forget(ASHA.id)
    assert kept(cache, "home", "work", "binta") == [None, None, BINTA]


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    cache = Cache(10, 30)
    before = cache.changes
    cache.forget(ASHA.id)
    cache.put(cache.key("user", "asha"), ASHA, 0, changes=before)
    assert kept(cache, "asha") == [None]


def test_no_address_is_kept_in_clear() -> None:
    cache = Cache(10, 30)
    keep(cache, "asha@example", ASHA)
    assert b"asha" not in cache.key("user", "asha@example")
    assert Cache(1, 1).key("user", "asha@example") != cache.key("user", "asha@example")
    assert cache.key("user", "a") != cache.key("telegram", "a")


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([ASHA, BINTA, CHIDI, None])), max_size=40)
)
def test_it_never_grows_past_its_size_nor_keeps_who_is_forgotten(
    story: list[tuple[str, Known | None]],
) -> None:
    cache = Cache(3, 30)
    last: dict[str, Known] = {}
    for name, known in story:
        if known is None:
            cache.forget(ASHA.id)
            last = {other: one for other, one in last.items() if one is not ASHA}
        else:
            keep(cache, name, known)
            last[name] = known
        assert len(cache) <= 3
        for other, one in zip("abcdef", kept(cache, *"abcdef"), strict=True):
            assert one is None or one == last[other]


# --- zones of numbers ---


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+256772000001", "Africa/Kampala"),
        ("+233244000000", "Africa/Accra"),
        ("+243810000000", ""),  # two zones, an hour apart
        ("+79161234567", ""),  # eleven
        ("+999123456789", ""),  # nobody's
    ],
)
def test_a_number_tells_its_zone_where_there_is_only_one(number: str, zone: str) -> None:
    assert timezone_of(address("msisdn", number)) == zone


def test_several_zones_with_the_same_clock_are_one() -> None:
    assert timezone_of(address("msisdn", "+447400123456")) in {
        "Europe/London",
        "Europe/Guernsey",
        "Europe/Isle_of_Man",
        "Europe/Jersey",
    }


def test_only_numbers_tell_a_zone() -> None:
    assert timezone_of(address("whatsapp", "256772000001")) == ""
