"""Answers: what is chosen and what is attached, keys that are answers, laws of all of them, and types of your own."""

import datetime as dt
import string
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.conversation.answer_types import Date, Money, Number, Phone, Pin, Text
from kikao.conversation.answers import Answer, Choice, Confirm, Location, Media
from kikao.conversation.errors import Invalid, Misuse
from kikao.conversation.inputs import Attachment, File, Given, Place
from kikao.conversation.screens import Option
from kikao.i18n import Amount, Message, t
from tests.conversation.answering import KAMPALA, PHOTO, TODAY, answered, invalid, refused, show

# --- choices ---

MENU = Choice([(t("Airtime"), "airtime"), ("Data", "data"), (t("None of these"), None)])


def test_options_are_numbered_from_one() -> None:
    assert MENU.options() == (
        Option("1", t("Airtime"), "airtime"),
        Option("2", "Data", "data"),
        Option("3", t("None of these"), None),
    )
    assert Choice({"lg": "Luganda", "sw": "Kiswahili"}).options()[1] == Option("2", "Kiswahili", "sw")
    assert Choice(["Kampala", "Gulu"]).options()[1] == Option("2", "Gulu", "Gulu")


@pytest.mark.parametrize(
    ("typed", "value"), [("1", "airtime"), (" 2 ", "data"), ("٢", "data"), ("DATA", "data"), ("3", None)]
)
def test_a_choice_is_made_by_number_or_by_label(typed: str, value: str | None) -> None:
    assert answered(MENU, typed) == value


@pytest.mark.parametrize("typed", ["", "0", "4", "-1", "1.", "01", "Dat", "airtime", "1 2"])
def test_what_is_not_on_the_screen_is_no_choice(typed: str) -> None:
    assert refused(MENU, typed) == "Invalid choice. Try again."


def test_a_number_means_what_was_displayed_and_not_what_the_code_says_today() -> None:
    displayed = MENU.options()
    today = Choice([("Data", "data"), (t("Airtime"), "airtime")])

    assert today.parse(Given("2", TODAY), displayed) == "data"
    with pytest.raises(Invalid) as problem:
        today.parse(Given("3", TODAY), displayed)
    assert problem.value.text == t("That option is no longer available.")


def test_values_that_python_calls_equal_are_different_choices() -> None:
    choice = Choice([("one", 1), ("yes", True), ("no", False), ("zero", 0)])

    assert [answered(choice, key) for key in "1234"] == [1, True, False, 0]
    assert [type(answered(choice, key)) for key in "1234"] == [int, bool, bool, int]
    with pytest.raises(Invalid):
        Choice([("one", 1)]).parse(Given("2", TODAY), choice.options())


def test_numbers_come_before_labels() -> None:
    sizes = Choice(["5", "1", "2 kg"])

    assert answered(sizes, "1") == "5"
    assert answered(sizes, "2  KG") == "2 kg"
    assert refused(sizes, "5") == "Invalid choice. Try again."


def test_a_label_that_is_shown_twice_says_nothing() -> None:
    assert refused(Choice([("Amina", 1), ("amina", 2)]), "Amina") == "Invalid choice. Try again."


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ([], "nothing to choose"),
        ({}, "nothing to choose"),
        ("abc", "one string"),
        (["a", "b", "a"], "options 1 and 3 of a Choice have one value"),
        ([("a", 1.5)], "type float"),
        ([("a", [1])], "type list"),
        ([("a", Amount("UGX", 5))], "type Amount"),
    ],
)
def test_options_that_cannot_be_told_apart_or_kept_are_the_authors_mistake(
    options: Any, mistake: str
) -> None:
    with pytest.raises(Misuse, match=mistake):
        Choice(options).options()


def test_a_confirmation_is_whole_and_yes_or_no() -> None:
    assert Confirm.whole
    assert answered(Confirm(), "1") is True
    assert answered(Confirm(), "2") is False
    assert refused(Confirm(), "yes") == "Invalid choice. Try again."
    assert [show(option.label) for option in Confirm().options()] == ["Confirm", "Cancel"]


# --- places and files ---


def test_a_location_is_shared_and_not_typed() -> None:
    assert answered(Location(), attachment=KAMPALA) == KAMPALA
    assert refused(Location(), "Kampala") == "Share your location with the attachment button."
    assert refused(Location(), attachment=PHOTO) == "Share your location with the attachment button."


@pytest.mark.parametrize(
    "place", [Place(90.1, 0), Place(0, -180.1), Place(float("nan"), 0), Place(0, float("inf"))]
)
def test_a_place_is_on_earth(place: Place) -> None:
    assert refused(Location(), attachment=place) == "Share your location with the attachment button."


def test_a_file_is_sent_and_not_typed() -> None:
    assert answered(Media(), attachment=PHOTO) == PHOTO
    assert refused(Media(("image",)), "photo") == "Send a photo."
    assert refused(Media(), "x") == "Send a file of one of these kinds: image, audio, video, document."


@pytest.mark.parametrize(
    ("kinds", "mime", "accepted"),
    [
        (("image",), "IMAGE/PNG", True),
        (("audio",), "audio/ogg; codecs=opus", True),
        (("document",), "application/pdf", True),
        (("document",), "text/plain", True),
        (("application/pdf",), "application/pdf", True),
        (("application/pdf",), "application/zip", False),
        (("document",), "image/png", False),
        (("image", "audio"), "video/mp4", False),
        (("image",), "", False),
    ],
)
def test_a_file_is_of_a_kind(kinds: tuple[str, ...], mime: str, accepted: bool) -> None:
    file = msgspec.structs.replace(PHOTO, mime=mime)

    if accepted:
        assert answered(Media(kinds), attachment=file) == file
    else:
        assert refused(Media(kinds), attachment=file).startswith("Send a")


@pytest.mark.parametrize(("limit", "size"), [(4_999_999, "4 MB"), (300_000, "300 kB"), (10, "10 B")])
def test_a_file_may_be_too_large(limit: int, size: str) -> None:
    assert answered(Media(max_size=PHOTO.size), attachment=PHOTO) == PHOTO
    assert (
        refused(Media(max_size=limit), attachment=PHOTO)
        == f"That file is too large. Send one of at most {size}."
    )


# --- keys that are answers ---


@pytest.mark.parametrize(
    ("answer", "literal", "commands"),
    [
        (Number(0, 20), ["0"], ["00", "98", "99", "#", "cancel"]),
        (Number(), ["0", "98", "99"], ["00", "#", "cancel"]),
        (Number(1, 20), [], ["0", "00", "99"]),
        (Money("UGX"), ["98", "99"], ["0", "00", "cancel"]),
        (Money("UGX", min=500), [], ["0", "99"]),
        (Pin(), [], ["0", "00", "99"]),
        (Pin(2), ["00", "99"], ["0", "#"]),
        (Text(), [], ["0", "00", "cancel"]),
        (Text(literal=True), ["0", "cancel"], []),
        (Text(2, literal=True), ["00", "cancel"], ["0"]),
        (Phone(), [], ["0", "00", "99"]),
        (Date(), [], ["0", "00", "99"]),
        (Choice([str(i) for i in range(100)]), ["98", "99"], ["0", "00"]),
        (Choice(["Cancel", "Go on"]), ["cancel"], ["0"]),
        (Confirm(), [], ["0", "cancel"]),
    ],
)
def test_a_navigation_key_that_is_a_good_answer_is_one(
    answer: Answer[Any], literal: list[str], commands: list[str]
) -> None:
    assert [key for key in literal if not answer.literal(key)] == []
    assert [key for key in commands if answer.literal(key)] == []
    for _ in range(2):  # worked out, and remembered
        assert answer.literals((*literal, *commands)) == tuple(literal)


# --- laws ---

ANSWERS: list[Answer[Any]] = [
    Phone(), Phone("KE", mobile=False), Money("UGX", min=500, max=10**6), Money("TND"), Pin(), Pin((4, 6)), Number(),
    Number(0, 9), Text(), Text(0, 5, pattern=r"\w+"), Date(), Date(past=False), MENU, Confirm(), Location(), Media(),
]  # fmt: skip

like_an_answer = st.text(
    st.sampled_from(string.digits + " ,.-+/=:()\u0665\u00b2\u00bd\u00a0UGX\n\x00"), max_size=24
)


@given(
    st.sampled_from(ANSWERS), st.one_of(st.text(), like_an_answer), st.sampled_from([None, KAMPALA, PHOTO])
)
def test_whatever_is_typed_is_an_answer_or_a_sentence(
    answer: Answer[Any], typed: str, attachment: Attachment | None
) -> None:
    problem = invalid(answer, typed, attachment)

    if problem is not None:
        assert isinstance(problem.text, Message)
        assert show(problem.text).endswith(".")
        assert "{" not in show(problem.text)
    elif not isinstance(answer, Pin):
        value = answered(answer, typed, attachment)
        assert stored_and_read(answer, value) == value
    if answer.literal(typed):
        assert problem is None, "what is no command here must be an answer"


def stored_and_read(answer: Answer[Any], value: Any) -> Any:
    """The value as a later turn gets it from the journal."""
    data = msgspec.msgpack.decode(msgspec.msgpack.encode(answer.encode(value)))
    return data if answer.decode is None else answer.decode(data)


floats = st.floats(allow_nan=False)
words = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        (Phone(), st.from_regex(r"\+256[0-9]{9}", fullmatch=True)),
        (Money("KES"), st.builds(Amount, st.just("KES"), st.integers(1, 10**17))),
        (Number(), st.integers(-(10**15), 10**15)),
        (Text(), words),
        (Date(), st.dates()),
        (MENU, st.sampled_from(["airtime", "data", None])),
        (Confirm(), st.booleans()),
        (Location(), st.builds(Place, floats, floats)),
        (Media(), st.builds(File, words, words, st.integers(0, 2**40), words, words)),
    ],
)  # fmt: skip
def test_every_value_survives_the_journal(answer: Answer[Any], values: st.SearchStrategy[Any]) -> None:
    @given(values)
    def survives(value: Any) -> None:
        assert stored_and_read(answer, value) == value
        assert type(stored_and_read(answer, value)) is type(value)

    survives()


@given(st.integers(1, 10**15 - 1), st.sampled_from(["UGX", "KES", "TND", "CLF"]))
def test_an_amount_as_it_is_written_can_be_typed(minor: int, currency: str) -> None:
    amount = Amount(currency, minor)

    assert answered(Money(currency), str(amount)) == amount


@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31)), st.sampled_from(["%d/%m/%Y", "%d%m%Y", "%Y-%m-%d"])
)
def test_a_date_as_it_is_written_can_be_typed(day: dt.date, form: str) -> None:
    assert answered(Date(), day.strftime(form)) == day


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: type(a).__name__)
def test_answers_are_small_and_name_their_stored_form(answer: Answer[Any]) -> None:
    assert answer.tag
    assert not hasattr(answer, "__dict__"), "answers are made on every replay: keep them in slots"


def test_the_tags_are_what_journals_hold() -> None:
    assert [answer.tag for answer in ANSWERS[::2]] == [
        "phone", "money:UGX", "pin", "number", "text", "date", "choice", "location",
    ]  # fmt: skip


# --- a type of your own ---


def test_a_type_of_your_own_needs_a_tag_and_a_parse() -> None:
    class Colour(Answer[str]):
        tag = "colour"

        def parse(self, given: Given, options: tuple[Option, ...]) -> str:
            if given.text not in {"red", "blue"}:
                raise Invalid(t("Enter red or blue."))
            return given.text

    assert answered(Colour(), "red") == "red"
    assert stored_and_read(Colour(), "red") == "red"
    assert refused(Colour(), "green") == "Enter red or blue."
    assert not Colour().literal("0")


def test_a_type_made_of_one_of_ours_has_its_own_say_about_keys() -> None:
    class Even(Number):
        def literal(self, text: str) -> bool:
            return text in ("0", "98")

    class Dollars(Money):
        def literal(self, text: str) -> bool:
            return text == "99"

    class Nothing(Text):
        def literal(self, text: str) -> bool:
            return text == "0"

    class Anything(Choice[str]):
        def literal(self, text: str) -> bool:
            return True

    words = ("0", "98", "99")
    assert Number(0, 99).literals(words) == words
    assert Even(0, 99).literals(words) == ("0", "98")
    assert Dollars("USD").literals(words) == ("99",)
    assert Nothing().literals(words) == ("0",)
    assert Anything(["Tea"]).literals(words) == words


def test_keys_are_worked_out_for_any_number_of_bounds() -> None:
    for balance in range(1, 2500):
        assert (
            Number(0, balance).literals(("0", "98", "99"))
            == ("0", "98", "99")[: 1 + (balance > 97) + (balance > 98)]
        )


def test_a_type_without_parse_says_so() -> None:
    class Colour(Answer[str]):
        tag = "colour"

    with pytest.raises(TypeError, match=r"Colour must define parse\(\)"):
        answered(Colour(), "red")
