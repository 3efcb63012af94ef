"""What is typed: phone numbers, money, PINs, numbers, texts, dates, and the sentence for everything else."""

import datetime as dt
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kikao.conversation.answer_types import Date, Money, Number, Phone, Pin, Text
from kikao.conversation.errors import Misuse
from kikao.i18n import Amount, t
from tests.conversation.answering import TODAY, answered, invalid, refused

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
