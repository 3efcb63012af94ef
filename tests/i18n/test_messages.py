"""Messages are data: they name what to say, and can be kept before anyone knows the language."""

import msgspec

from kikao.i18n import Amount, Day, Message, Moment, Text, t, tn


def test_a_message_keeps_values_and_not_their_written_form() -> None:
    message = t("Send {amount} to {to}?", amount=Amount("UGX", 500), to="Amina")

    assert message == Message("Send {amount} to {to}?", {"amount": Amount("UGX", 500), "to": "Amina"})


def test_a_plural_keeps_both_forms_and_the_count() -> None:
    message = tn("{n} try left", "{n} tries left", 2)

    assert (message.msgid, message.plural, message.n) == ("{n} try left", "{n} tries left", 2)


def test_a_parameter_may_have_any_name() -> None:
    assert t("{msgid} {n}", msgid="a", n=1).params == {"msgid": "a", "n": 1}
    assert tn("{singular}", "{plural}", 1, singular="a", plural="b").params == {
        "singular": "a",
        "plural": "b",
    }


def test_messages_survive_being_stored() -> None:
    texts: list[Text] = [
        "Amina",
        t("Home"),
        t("Fee {fee}, {times} times: {why}", fee=Amount("KES", 1250), times=3, why=t("late")),
        t("{day}, {at}", day=Day(2026, 11, 21, "long"), at=Moment.of(1_795_260_000, "Africa/Kampala")),
        tn("{n} try left", "{n} tries left", 1),
    ]

    stored = msgspec.msgpack.encode(texts)

    assert msgspec.msgpack.decode(stored, type=list[Text]) == texts


def test_messages_without_parameters_do_not_share_them() -> None:
    one, other = Message("a"), Message("b")

    one.params["x"] = "1"

    assert other.params == {}
