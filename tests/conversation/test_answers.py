"""Answers: what a member may type, what the flow gets, and the sentence for everything else."""

import datetime as dt
import string
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kikao.conversation.answer_types import Date, Money, Number, Phone, Pin, Text
from kikao.conversation.answers import Answer, Choice, Confirm, Location, Media
from kikao.conversation.errors import Invalid, Misuse
from kikao.conversation.inputs import Attachment, File, Given, Place
from kikao.conversation.screens import Option
from kikao.i18n import Amount, Catalogs, Message, t

TODAY = dt.date(2026, 5, 4)
KAMPALA = Place(0.3476, 32.5825)
PHOTO = File("m1", "image/jpeg", 5_000_000, "ab" * 32, "media/ab")

show = Catalogs().translate("en")


def answered(answer: Answer[Any], text: str = "", attachment: Attachment | None = None) -> Any:
    """The value, for what is typed at the question as it is displayed today."""
    return answer.parse(Given(text, TODAY, attachment), answer.options())


def refused(answer: Answer[Any], text: str = "", attachment: Attachment | None = None) -> str:
    """The sentence that the member gets instead."""
    with pytest.raises(Invalid) as problem:
        answered(answer, text, attachment)
    return show(problem.value.text)


def invalid(answer: Answer[Any], text: str, attachment: Attachment | None = None) -> Invalid | None:
    """What was raised, if the answer was not one."""
    try:
        answered(answer, text, attachment)
    except Invalid as problem:
        return problem
    return None


# --- phone numbers ---


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0772123456", "+256772123456"),
        ("772123456", "+256772123456"),
        ("256772123456", "+256772123456"),
        ("+256772123456", "+256772123456"),
        ("00256772123456", "+256772123456"),
        (" 0772 123-456 ", "+256772123456"),
        ("(0772) 123.456", "+256772123456"),
        ("\u202a+256\u00a0772\u2011123456\u202c", "+256772123456"),
        ("٠٧٧٢١٢٣٤٥٦", "+256772123456"),
        ("+254 712 345678", "+254712345678"),
        ("+1 650 253 0000", "+16502530000"),
    ],
)
def test_a_phone_number_is_understood_as_people_write_it(typed: str, number: str) -> None:
    assert answered(Phone(), typed) == number


@pytest.mark.parametrize(
    "typed",
    ["", "0", "077212345", "07721234567", "0312123456", "0712x45678", "0772123456 ext 5", "+", "tel:0772123456",
     "0772123456,0772123457", "+999772123456", "0" * 31, "9" * 5000],
)  # fmt: skip
def test_what_is_no_mobile_number_is_refused_with_an_example(typed: str) -> None:
    assert refused(Phone(), typed) == "Enter a mobile number, like 0712 345678."


def test_a_phone_number_belongs_to_its_region() -> None:
    assert answered(Phone("KE"), "0712345678") == "+254712345678"
    assert answered(Phone("NG"), "08031234567") == "+2348031234567"
    assert refused(Phone("KE"), "0772123456789") == "Enter a mobile number, like 0712 123456."


def test_fixed_lines_are_numbers_when_asked_for() -> None:
    assert answered(Phone(mobile=False), "0312123456") == "+256312123456"
    assert refused(Phone(mobile=False), "1").startswith("Enter a phone number, like 03")


def test_a_region_that_has_no_example_asks_for_the_country_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kikao.conversation.answer_types._example", lambda region, mobile: "")

    assert refused(Phone(), "1") == "Enter a phone number with its country code."


@pytest.mark.parametrize("typed", ["0772123456", "x"])
def test_an_unknown_region_is_the_authors_mistake(typed: str) -> None:
    with pytest.raises(Misuse, match="'Uganda'"):
        answered(Phone("Uganda"), typed)


# --- money ---


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [
        ("UGX", "500", 500),
        ("UGX", "1,000", 1000),
        ("UGX", "1 000", 1000),
        ("UGX", "1\u00a0000\u202f000", 1_000_000),
        ("UGX", "12,500,000", 12_500_000),
        ("UGX", "UGX 500", 500),
        ("UGX", "ugx500", 500),
        ("UGX", "500 ugx", 500),
        ("UGX", "5000/=", 5000),
        ("UGX", "5000/-", 5000),
        ("UGX", "٥٬٠٠٠", 5000),
        ("UGX", "५००", 500),
        ("UGX", "1" + "0" * 14, 10**14),
        ("KES", "12", 1200),
        ("KES", "12.5", 1250),
        ("KES", "12.50", 1250),
        ("KES", "0.05", 5),
        ("KES", "KES 1,234.56", 123_456),
        ("TND", "1.5", 1500),
        ("TND", "1,500.250", 1_500_250),
    ],
)
def test_money_is_understood_as_people_write_it(currency: str, typed: str, minor: int) -> None:
    assert answered(Money(currency), typed) == Amount(currency, minor)


@pytest.mark.parametrize(
    ("currency", "typed", "sentence"),
    [
        ("UGX", "", "Enter an amount in UGX, in digits only."),
        ("UGX", "5k", "Enter an amount in UGX, in digits only."),
        ("UGX", "five", "Enter an amount in UGX, in digits only."),
        ("UGX", "1,00", "Enter an amount in UGX, in digits only."),
        ("UGX", "1,000 000", "Enter an amount in UGX, in digits only."),
        ("UGX", "1,0000", "Enter an amount in UGX, in digits only."),
        ("UGX", "0772123456", "Enter an amount in UGX, in digits only."),
        ("UGX", "1e6", "Enter an amount in UGX, in digits only."),
        ("UGX", "+500", "Enter an amount in UGX, in digits only."),
        ("UGX", "½", "Enter an amount in UGX, in digits only."),
        ("UGX", "5²", "Enter an amount in UGX, in digits only."),
        ("UGX", "1" * 16, "Enter an amount in UGX, in digits only."),
        ("UGX", "1" * 100_000, "Enter an amount in UGX, in digits only."),
        ("UGX", "KES 500", "Enter the amount in UGX."),
        ("UGX", "500 KES", "Enter the amount in UGX."),
        ("UGX", "12.50", "Enter a whole amount, without decimals."),
        ("UGX", "500.0", "Enter a whole amount, without decimals."),
        ("KES", "1.005", "Enter an amount with at most 2 decimals."),
        ("UGX", "0", "Enter an amount of more than zero."),
        ("KES", "0.00", "Enter an amount of more than zero."),
        ("UGX", "-500", "Enter an amount of more than zero."),
        ("UGX", "\u2212500", "Enter an amount of more than zero."),
    ],
)
def test_what_could_be_meant_in_two_ways_is_no_money(currency: str, typed: str, sentence: str) -> None:
    assert refused(Money(currency), typed) == sentence


def test_the_least_and_the_most_are_allowed_amounts() -> None:
    money = Money("UGX", min=500, max=5_000_000)

    assert answered(money, "500") == Amount("UGX", 500)
    assert answered(money, "5,000,000") == Amount("UGX", 5_000_000)
    assert refused(money, "499") == "Enter an amount of at least UGX 500."
    assert refused(money, "5000001") == "Enter an amount of at most UGX 5,000,000."


def test_bounds_count_minor_units() -> None:
    assert answered(Money("KES", min=1250), "12.50") == Amount("KES", 1250)
    assert refused(Money("KES", min=1250), "12.49") == "Enter an amount of at least KES 12.50."


def test_answers_in_two_currencies_are_stored_under_two_names() -> None:
    assert (Money("UGX").tag, Money("KES").tag) == ("money:UGX", "money:KES")


# --- PINs ---


@pytest.mark.parametrize(("pin", "typed"), [(Pin(), "0427"), (Pin(5), " 12345\n"), (Pin((4, 6)), "123456")])
def test_a_pin_is_digits_of_the_right_number(pin: Pin, typed: str) -> None:
    assert answered(pin, typed) == typed.strip()


@pytest.mark.parametrize(
    "typed", ["", "123", "12345", "12a4", "12 34", "-123", "1.23", "١٢٣٤", "²²²²", "1234" * 99]
)
def test_what_is_no_pin_is_refused(typed: str) -> None:
    assert refused(Pin(), typed) == "Enter the 4 digits of your PIN."


def test_a_pin_may_have_a_range_of_lengths() -> None:
    assert refused(Pin((4, 6)), "1234567") == "Enter the 4 to 6 digits of your PIN."


def test_a_pin_is_never_encoded() -> None:
    with pytest.raises(Misuse, match=r"chat\.secret") as problem:
        Pin().encode("4827")

    assert "4827" not in str(problem.value)


@given(st.one_of(st.text(), st.text(string.digits)))
@example("48270")
def test_no_error_carries_what_was_typed_as_a_pin(typed: str) -> None:
    problem = invalid(Pin(), typed)

    if problem is not None:
        assert problem.text == t("Enter the {digits} digits of your PIN.", digits=4)
        assert problem.args == ()
        assert problem.__context__ is None


# --- numbers ---


@pytest.mark.parametrize(
    ("typed", "number"), [("0", 0), ("7", 7), ("+7", 7), ("-7", -7), ("1,000", 1000), ("007", 7), ("٤٢", 42)]
)
def test_a_number_is_a_whole_number(typed: str, number: int) -> None:
    assert answered(Number(), typed) == number


@pytest.mark.parametrize("typed", ["", "seven", "7.5", "7,5", "--7", "7-", "1" * 16, "Ⅶ", "0x10", "1_000"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    assert refused(Number(), typed) == "Enter a number, in digits only."


@pytest.mark.parametrize(
    ("number", "typed", "sentence"),
    [
        (Number(1, 12), "13", "Enter a number from 1 to 12."),
        (Number(1, 12), "0", "Enter a number from 1 to 12."),
        (Number(min=1), "0", "Enter a number of at least 1."),
        (Number(max=12), "13", "Enter a number of at most 12."),
    ],
)
def test_a_number_out_of_range_says_the_range(number: Number, typed: str, sentence: str) -> None:
    assert refused(number, typed) == sentence


# --- texts ---


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("Amina", "Amina"),
        ("  Amina K.\n", "Amina K."),
        ("Ame\u0301lie", "Amélie"),
        ("\ufeffAmina\u200b", "Amina"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("أمينة", "أمينة"),
    ],
)
def test_a_text_is_trimmed_and_normalised(typed: str, text: str) -> None:
    assert answered(Text(), typed) == text


@pytest.mark.parametrize(
    "typed", ["a\nb", "a\r\n1 Send", "a\x00b", "a\tb", "a\x1bb", "a\u2028b", "a\u202eb", "\ud800"]
)
def test_a_text_cannot_forge_a_line(typed: str) -> None:
    assert refused(Text(), typed) == "Write it on one line, with letters, digits and signs only."


def test_the_length_of_a_text_counts_characters() -> None:
    assert answered(Text(2, 3), "èèè") == "èèè"
    assert answered(Text(min=0), "") == ""
    assert refused(Text(), "  ") == "Enter at least 1 character."
    assert refused(Text(2, 3), "é") == "Enter at least 2 characters."
    assert refused(Text(2, 3), "abcd") == "Enter at most 3 characters."
    assert refused(Text(), "a" * 20_000) == "Enter at most 160 characters."


def test_a_text_may_have_a_form_and_a_sentence_that_explains_it() -> None:
    plate = Text(pattern=r"[A-Z]{3} ?\d{3}[A-Z]", hint=t("Enter the plate, like UBA 123X."))

    assert answered(plate, "UBA 123X") == "UBA 123X"
    assert refused(plate, "UBA 123X!") == "Enter the plate, like UBA 123X."
    assert refused(Text(pattern="a"), "b") == "Invalid choice. Try again."


# --- dates ---


@pytest.mark.parametrize(
    "typed", ["31/12/2026", "31-12-2026", "31.12.2026", "31 12 2026", "31122026", "2026-12-31", "٣١/١٢/٢٠٢٦"]
)
def test_a_date_is_day_first(typed: str) -> None:
    assert answered(Date(), typed) == dt.date(2026, 12, 31)


def test_day_and_month_may_have_one_digit() -> None:
    assert answered(Date(), "1/2/2026") == dt.date(2026, 2, 1)
    assert answered(Date(), "29/2/2024") == dt.date(2024, 2, 29)


@pytest.mark.parametrize(
    "typed",
    ["", "today", "31/12/26", "311226", "12/31/2026", "31/2/2026", "29/2/2026", "0/1/2026", "31/12-2026", "2026/12/31",
     "20261231", "31/12/1899", "1/1/2200", "31/12/02026"],
)  # fmt: skip
def test_what_is_no_date_is_refused_with_an_example(typed: str) -> None:
    assert refused(Date(), typed) == "Enter a date as day/month/year, like 04/05/2026."


def test_a_date_may_have_to_be_past_or_to_come() -> None:
    assert answered(Date(future=False), "4/5/2026") == TODAY
    assert answered(Date(past=False), "4/5/2026") == TODAY
    assert refused(Date(future=False), "5/5/2026") == "Enter today's date or an earlier one."
    assert refused(Date(past=False), "3/5/2026") == "Enter today's date or a later one."


def test_a_date_may_have_bounds() -> None:
    year = Date(dt.date(2026, 1, 1), dt.date(2026, 12, 31))

    assert answered(year, "1/1/2026") == dt.date(2026, 1, 1)
    assert answered(year, "31/12/2026") == dt.date(2026, 12, 31)
    assert refused(year, "31/12/2025") == "Enter a date not before 01/01/2026."
    assert refused(year, "1/1/2027") == "Enter a date not after 31/12/2026."


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
