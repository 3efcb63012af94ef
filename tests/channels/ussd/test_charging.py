"""How an amount is written where a provider is asked to charge."""

from __future__ import annotations

import json

import pytest

from kikao.channels.ussd.charging import CHARGE_UNIT, charged_as
from kikao.channels.ussd.registry import SLUGS, client, gateway, kind
from kikao.config import Hidden, UssdSettings
from kikao.i18n.money import Amount

CHARGING = [slug for slug in SLUGS if CHARGE_UNIT in kind(slug).options]


@pytest.mark.parametrize(
    ("amount", "unit", "written"),
    [
        (Amount("KES", 1250), "main", "12.50"),
        (Amount("KES", 5), "main", "0.05"),
        (Amount("UGX", 500), "main", "500"),
        (Amount("KES", 1250), "minor", "1250"),
        (Amount("KES", 1250), "", None),
    ],
)
def test_in_the_unit_of_the_settings_and_not_at_all_where_these_say_nothing(
    amount: Amount, unit: str, written: str | None
) -> None:
    assert charged_as(amount, {"charge_unit": unit}) == written


def test_another_unit_is_refused() -> None:
    assert CHARGE_UNIT.check is not None
    with pytest.raises(ValueError, match="must be main or minor"):
        CHARGE_UNIT.check("shillings")


def test_some_gateways_can_ask_for_it() -> None:
    assert sorted(CHARGING) == ["comviva_flares", "oltranz"]


def test_oltranz_is_told_in_the_reply() -> None:
    found = gateway("oltranz", UssdSettings(options={"charge_unit": Hidden(b"main")}))
    asked = found.parse(client("oltranz", "+250788000001", "*284#").dial("d1").request("/ussd/oltranz"))
    reply = found.reply(asked, "Hello", ends=False)
    charged = found.charged(reply, Amount("RWF", 50))
    assert charged is not None
    assert {**json.loads(reply.body), "charge": "Y", "amount": "50"} == json.loads(charged.body)
    assert gateway("oltranz").charged(reply, Amount("RWF", 50)) is None


def test_comviva_flares_is_told_in_headers() -> None:
    found = gateway("comviva_flares", UssdSettings(options={"charge_unit": Hidden(b"minor")}))
    asked = found.parse(client("comviva_flares", "+254733000001", "*284#").dial("d1").request())
    reply = found.reply(asked, "Hello", ends=True)
    charged = found.charged(reply, Amount("KES", 250))
    assert charged is not None
    assert charged.body == reply.body
    assert dict(charged.headers) == {**dict(reply.headers), "charge": "Y", "amount": "250"}
    assert gateway("comviva_flares").charged(reply, Amount("KES", 250)) is None
