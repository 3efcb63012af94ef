"""The member's own number: vouched for by the channel, or typed and still to be proven."""

from __future__ import annotations

import datetime as dt

import pytest

from kikao.conversation.errors import Invalid
from kikao.conversation.inputs import Given, SharedContact
from kikao.conversation.own_number import NOT_YOURS, OwnNumber

TODAY = dt.date(2026, 1, 1)


@pytest.mark.parametrize("said", ["+256772000001", "256772000001"])
def test_a_contact_that_the_channel_vouches_for_is_proof(said: str) -> None:
    given = Given("", TODAY, SharedContact(said, own=True))
    assert OwnNumber("UG").parse(given, ()) == SharedContact("+256772000001", own=True)


def test_a_contact_of_somebody_else_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        OwnNumber("UG").parse(Given("", TODAY, SharedContact("+256772000002", own=False)), ())
    assert refused.value.text == NOT_YOURS


def test_a_number_that_is_typed_is_one_of_the_region_and_proves_nothing() -> None:
    assert OwnNumber("UG").parse(Given("0772 000001", TODAY), ()) == SharedContact("+256772000001", own=False)
    with pytest.raises(Invalid):
        OwnNumber("UG").parse(Given("hello", TODAY), ())


def test_what_the_journal_keeps_comes_back() -> None:
    answer, shared = OwnNumber(), SharedContact("+256772000001", own=True)
    assert answer.decode(answer.encode(shared)) == shared
    assert "256" not in repr(shared)
