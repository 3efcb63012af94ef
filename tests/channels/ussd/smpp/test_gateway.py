"""What is special about the gateway: pages where the alphabet is Latin-1, and phones under all its settings."""

from __future__ import annotations

import pytest

from kikao.channels.smpp.alphabets import written
from kikao.channels.ussd.clients.smpp import SmppClient
from kikao.channels.ussd.gateways.smpp import Smpp
from kikao.channels.ussd.pushed import Pushed
from kikao.config import Hidden, UssdSettings
from kikao.conversation.screens import Screen

NUMBER, CODE = "+256700000001", "*384#"


def settings(**options: str) -> UssdSettings:
    return UssdSettings(
        codes=(CODE,), options={name: Hidden(value.encode()) for name, value in options.items()}
    )


def made(of: UssdSettings) -> Smpp:
    return Smpp(codes=of.codes, options=of.options)


@pytest.mark.parametrize("alphabet", ["gsm7", "latin1"])
def test_every_page_fits_into_160_octets_in_whatever_alphabet_it_goes(alphabet: str) -> None:
    found = made(settings(alphabet=alphabet))
    for text in ("a", "é", "€", "Δ", "ŋ", "ç", "{", "😀"):
        pages = found.pages(Screen((text * 200,)), str)
        assert all(len(written(page, found.account.alphabet).octets) <= 160 for page in pages)
        assert "".join(pages).count(text) >= 200


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dialled_in": "destination_addr"},
        {"session": "its_dialog_id", "close_op": "0x17"},
        {"session": "user_message_reference"},
        {"session": "its_session_info"},
    ],
)
def test_a_phone_and_the_gateway_mean_the_same_under_any_settings(options: dict[str, str]) -> None:
    of = settings(**options)
    found, phone = made(of), SmppClient(NUMBER, CODE, of)
    dialled = found.parse(phone.dial("d1", "1*500").request())
    assert (dialled.happening, dialled.text.reveal(), dialled.service_code) == ("new", "1*500", CODE)
    answered = found.parse(phone.answer("2").request())
    assert (answered.happening, answered.text.reveal(), answered.service_code) == ("reply", "2", CODE)
    assert answered.dialogue == dialled.dialogue != ""
    assert found.parse(phone.hang_up().request()).happening == "abort"
    for ends in (False, True):
        call = found.call(Pushed.of(answered, "Hello", ends=ends, until=0.0), "m1")
        assert phone.read_pushed(call) == (phone.dialogue, "Hello", not ends)
    with pytest.raises(ValueError, match="ussd_service_op"):
        phone.read_pushed(found.notice(NUMBER, "Hello", code=CODE))


def test_the_bit_that_tells_the_end_is_set_where_the_vendor_means_it() -> None:
    of = settings(session="its_dialog_id")
    found, phone = made(of), SmppClient(NUMBER, CODE, of)
    dialled = found.parse(phone.dial("d1").request())
    last = [
        found.call(Pushed.of(dialled, "Hello", ends=ends, until=0.0), "m1").body.decode()
        for ends in (False, True)
    ]
    session = phone.dialogue.partition(":")[2]
    assert f'"its_session_info":"{session}"' in last[0]
    assert f'"its_session_info":"{int(session, 16) | 1:04x}"' in last[1]
