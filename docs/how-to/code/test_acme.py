"""The contract, both ways."""

import pytest
from acme import Acme
from acme_client import AcmeClient

from kikao.channels.channel import BadRequest, Request
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.pages import Budget
from kikao.conversation.screens import Option, Screen
from kikao.conversation.secrets import Secret
from kikao.i18n import Catalogs

ACME = Acme(budget=Budget())


def request(exchange: Exchange) -> Request:
    return exchange.request("/ussd/acme")


def test_each_thing_that_can_happen_is_read() -> None:
    client = AcmeClient("+256772000001", "*284#")
    dialled, answered, ended = (
        ACME.parse(request(each)) for each in (client.dial("d1"), client.answer("2580"), client.hang_up())
    )
    assert (dialled.happening, answered.happening, ended.happening) == ("new", "reply", "end")
    assert dialled.identity == dialled.msisdn == "+256772000001"
    assert answered.text.matches(Secret("2580"))
    assert "2580" not in repr(answered)


def test_what_was_dialled_behind_the_code_is_a_long_dial() -> None:
    dialled = ACME.parse(request(AcmeClient("+256772000001", "*284#").dial("d1", "1*500")))
    assert dialled.text.matches(Secret("1*500"))


def test_the_same_id_in_another_session_is_no_copy() -> None:
    client = AcmeClient("+256772000001", "*284#")
    first, second = (ACME.parse(request(client.dial(session))) for session in ("d1", "d2"))
    assert first.message_id
    assert second.message_id
    assert not first.message_id.matches(second.message_id)


def test_a_field_that_is_missing_is_named_and_no_value_is() -> None:
    with pytest.raises(BadRequest) as refused:
        ACME.parse(
            Request("POST", "/ussd/acme", b"", {}, b"session=d1&code=*284%23&op=continue&input=2580&id=m1")
        )
    assert "msisdn" in str(refused.value)
    assert "2580" not in str(refused.value)


def test_a_page_at_its_limit_goes_out_whole() -> None:
    screen = Screen(("x" * 150,), (Option("1", "Yes", True),))
    (page,) = ACME.pages(screen, Catalogs().translate("en"))
    inbound = ACME.parse(request(AcmeClient("+256772000001", "*284#").dial("d1")))
    assert ACME.reply(inbound, page, ends=False).body.decode() == "x" * 150 + "\n1 Yes"
