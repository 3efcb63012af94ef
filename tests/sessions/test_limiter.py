"""Addresses, members and channels, each against their own limit."""

from __future__ import annotations

from kikao.sessions.limiter import Limiter, Over
from kikao.sessions.limits import Limits, Rate

NOW = 1_750_000_000.0
ASHA, BOB = "+256772000001", "+256772000002"


def limiter(**channels: Limits) -> Limiter:
    return Limiter(channels)


def test_addresses_are_limited_each_for_itself() -> None:
    found = limiter(ussd=Limits(address=Rate(30, burst=2), member=None))
    assert [found.turn("ussd", ASHA, "a", NOW) for _ in range(3)] == [None, None, Over("address", 2.0)]
    assert found.turn("ussd", BOB, "b", NOW) is None


def test_an_address_is_limited_on_each_channel_for_itself() -> None:
    own = Limits(address=Rate(1), member=None)
    found = limiter(ussd=own, sms=own)
    assert found.turn("ussd", ASHA, "a", NOW) is None
    assert found.turn("sms", ASHA, "a", NOW) is None
    assert found.turn("ussd", ASHA, "a", NOW) == Over("address", 60.0)


def test_a_member_is_limited_over_all_addresses_and_channels() -> None:
    own = Limits(address=Rate(60), member=Rate(30, burst=3))
    found = limiter(ussd=own, telegram=own)
    assert found.turn("ussd", ASHA, "a", NOW) is None
    assert found.turn("ussd", BOB, "a", NOW) is None
    assert found.turn("telegram", "12345", "a", NOW) is None
    assert found.turn("telegram", "12345", "a", NOW) == Over("member", 2.0)
    assert found.turn("ussd", ASHA, "a", NOW) == Over("member", 2.0)
    assert found.turn("ussd", "+256772000003", "c", NOW) is None


def test_a_member_who_is_refused_does_not_use_up_the_address() -> None:
    found = limiter(ussd=Limits(address=Rate(60, burst=3), member=Rate(1, per=3600.0)))
    assert found.turn("ussd", ASHA, "a", NOW) is None
    for _ in range(100):
        assert found.turn("ussd", ASHA, "a", NOW) == Over("member", 3600.0)
    # The number now belongs to somebody else.
    assert [found.turn("ussd", ASHA, name, NOW) for name in "bcd"] == [None, None, Over("address", 1.0)]


def test_an_address_that_is_refused_does_not_use_up_the_member() -> None:
    found = limiter(ussd=Limits(address=Rate(1, per=3600.0), member=Rate(60, burst=2)))
    assert found.turn("ussd", ASHA, "a", NOW) is None
    for _ in range(100):
        assert found.turn("ussd", ASHA, "a", NOW) == Over("address", 3600.0)
    assert found.turn("ussd", BOB, "a", NOW) is None
    assert found.turn("ussd", "+256772000003", "a", NOW) == Over("member", 1.0)


def test_a_channel_is_limited_as_a_whole() -> None:
    found = limiter(ussd=Limits(overall=Rate(2, per=1.0)), sms=Limits())
    assert [found.overall("ussd", NOW) for _ in range(3)] == [None, None, Over("overall", 0.5)]
    assert found.overall("ussd", NOW + 0.5) is None
    assert found.overall("sms", NOW) is None


def test_without_limits_nobody_is_limited() -> None:
    found = limiter(ussd=Limits(address=None, member=None))
    assert {found.turn("ussd", ASHA, "a", NOW) or found.overall("ussd", NOW) for _ in range(1000)} == {None}
