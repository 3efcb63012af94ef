"""Answers that are typed on a keypad: a phone number, money, a PIN, a number, a text, a date.

Each says in its error what would be right. None guesses: what can be read in two ways is `Invalid`.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import unicodedata
from typing import Any

from kikao.conversation.answers import Answer, ascii_digits
from kikao.conversation.errors import Invalid, Misuse
from kikao.conversation.inputs import Given
from kikao.conversation.screens import Option
from kikao.i18n.messages import Message, t, tn
from kikao.i18n.money import Amount, exponent


class Phone(Answer[str]):
    """A phone number, as E.164 (`+256772123456`), by the rules of libphonenumber.

    A number without country code is one of `region` (ISO 3166); `+` or `00` may begin one of elsewhere.
    With `mobile`, what is certainly no mobile number is refused (some countries' plans do not tell).
    """

    __slots__ = ("_mobile", "_region")
    tag = "phone"

    def __init__(self, region: str = "UG", *, mobile: bool = True) -> None:
        self._region = region
        self._mobile = mobile

    @property
    def numbers(self) -> tuple[str, bool]:
        """The region whose numbers need no country code, and whether only mobile ones are taken."""
        return self._region, self._mobile

    def parse(self, given: Given, options: tuple[Option, ...]) -> str:
        """E.164 of `0772 123456`, `+256-772-123456`, `256772123456`; an unknown region raises `Misuse`."""
        typed = _plain(given.text)
        if not _PHONE.fullmatch(typed):
            raise Invalid(self._wanted())
        found = _e164(typed, self._region, self._mobile)
        if found is None and typed.startswith("00"):
            found = _e164("+" + typed[2:], self._region, self._mobile)
        if found is None:
            raise Invalid(self._wanted())
        return found

    def _wanted(self) -> Message:
        example = _example(self._region, self._mobile)
        if not example:
            return t("Enter a phone number with its country code.")
        if self._mobile:
            return t("Enter a mobile number, like {example}.", example=example)
        return t("Enter a phone number, like {example}.", example=example)


class Money(Answer[Amount]):
    """An amount of one currency (ISO 4217), more than zero; `min` and `max` are in minor units, both allowed.

    Accepts `1000`, `1,000`, `1 000`, decimals after a point where the currency has them, its code before or
    after, and the shilling mark `/=`. A leading zero (`0772…`, a phone number in the wrong place) is
    refused.
    """

    __slots__ = ("_max", "_min", "tag")

    def __init__(self, currency: str, *, min: int = 1, max: int | None = None) -> None:  # noqa: A002
        self._min = min
        self._max = max
        self.tag = _MONEY_TAG + currency

    @property
    def bounds(self) -> tuple[int, int | None]:
        """The least and the largest amount in minor units, both allowed; None for no largest."""
        return self._min, self._max

    def parse(self, given: Given, options: tuple[Option, ...]) -> Amount:
        """The amount typed."""
        currency = self.tag.removeprefix(_MONEY_TAG)
        typed = _plain(given.text)
        if _counts(typed) and typed != "0":  # as nearly everybody types it
            minor = int(typed) * 10 ** exponent(currency)
        else:
            minor = self._written_out(typed, currency)
        if minor < self._min:
            raise Invalid(t("Enter an amount of at least {min}.", min=Amount(currency, self._min)))
        if self._max is not None and minor > self._max:
            raise Invalid(t("Enter an amount of at most {max}.", max=Amount(currency, self._max)))
        return Amount(currency, minor)

    def _written_out(self, typed: str, currency: str) -> int:
        """The minor units of an amount with separators, decimals, or its currency."""
        match = _MONEY.fullmatch(typed)
        if match is None:
            raise Invalid(t("Enter an amount in {currency}, in digits only.", currency=currency))
        if (match["before"] or match["after"] or currency).upper() != currency:
            raise Invalid(t("Enter the amount in {currency}.", currency=currency))
        digits = exponent(currency)
        decimals = match["decimals"] or ""
        if len(decimals) > digits:
            if digits == 0:
                raise Invalid(t("Enter a whole amount, without decimals."))
            raise Invalid(t("Enter an amount with at most {digits} decimals.", digits=digits))
        minor = int(_SEPARATORS.sub("", match["whole"]) + decimals.ljust(digits, "0"))
        if match["minus"] or not minor:
            raise Invalid(t("Enter an amount of more than zero."))
        return minor

    def encode(self, value: Amount) -> Any:
        """`[currency, minor]`."""
        return [value.currency, value.minor]

    @staticmethod
    def decode(data: Any) -> Amount:
        """An `Amount` of `[currency, minor]`."""
        return Amount(data[0], data[1])

    def literal(self, text: str) -> bool:
        """True for an amount in plain digits: where 99 is allowed, "99" is not "cancel"."""
        if not _counts(text):
            return False
        minor = int(text) * 10 ** exponent(self.tag.removeprefix(_MONEY_TAG))
        return minor >= max(self._min, 1) and (self._max is None or minor <= self._max)

    def literals(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """See `Answer.literals`."""
        if type(self) is not Money:
            return super().literals(words)
        return _literals(self, (self.tag, self._min, self._max), words)


class Pin(Answer[str]):
    """A PIN of `digits` ASCII digits, or of (least, most). For `chat.secret` only: it is never encoded."""

    __slots__ = ("_digits",)
    tag = "pin"

    def __init__(self, digits: int | tuple[int, int] = 4) -> None:
        self._digits = digits

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most digits."""
        return self._range()

    def parse(self, given: Given, options: tuple[Option, ...]) -> str:
        """The digits typed. No error carries them."""
        least, most = self._range()
        typed = given.text.strip()
        if least <= len(typed) <= most and typed.isascii() and typed.isdigit():
            return typed
        if least == most:
            raise Invalid(t("Enter the {digits} digits of your PIN.", digits=least))
        raise Invalid(t("Enter the {least} to {most} digits of your PIN.", least=least, most=most))

    def encode(self, value: str) -> Any:
        """Raises `Misuse`: a PIN is never kept."""
        raise Misuse("a Pin in chat.ask would be kept in the journal: ask for it with chat.secret")

    def literal(self, text: str) -> bool:
        """True for digits of the right number, which only a PIN of one or two digits shares with a key."""
        least, most = self._range()
        return least <= len(text) <= most and text.isascii() and text.isdigit()

    def _range(self) -> tuple[int, int]:
        return (self._digits, self._digits) if isinstance(self._digits, int) else self._digits


class Number(Answer[int]):
    """A whole number; `min` and `max` are both allowed. At most 15 digits, grouped or not."""

    __slots__ = ("_max", "_min")
    tag = "number"

    def __init__(self, min: int | None = None, max: int | None = None) -> None:  # noqa: A002
        self._min = min
        self._max = max

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The least and the largest number, both allowed; None for none."""
        return self._min, self._max

    def parse(self, given: Given, options: tuple[Option, ...]) -> int:
        """The number typed: `7`, `-7`, `1,000`."""
        typed = _plain(given.text)
        if not _counts(typed):  # as nearly everybody types it
            match = _NUMBER.fullmatch(typed)
            if match is None:
                raise Invalid(self._wanted())
            typed = _SEPARATORS.sub("", match[0])
        number = int(typed)
        if not self._in_range(number):
            raise Invalid(self._wanted())
        return number

    def literal(self, text: str) -> bool:
        """True for a number in range: "0" is then an answer and not "back"; "00" never is one."""
        return _counts(text) and self._in_range(int(text))

    def literals(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """See `Answer.literals`."""
        if type(self) is not Number:
            return super().literals(words)
        return _literals(self, ("number", self._min, self._max), words)

    def _in_range(self, number: int) -> bool:
        return (self._min is None or number >= self._min) and (self._max is None or number <= self._max)

    def _wanted(self) -> Message:
        least, most = self._min, self._max
        if least is not None and most is not None:
            return t("Enter a number from {min} to {max}.", min=least, max=most)
        if least is not None:
            return t("Enter a number of at least {min}.", min=least)
        if most is not None:
            return t("Enter a number of at most {max}.", max=most)
        return t("Enter a number, in digits only.")


class Text(Answer[str]):
    """A text of one line, in Unicode NFC and without spaces around it; `min` and `max` count characters.

    Control characters, line breaks and marks of direction are refused: they could forge a line of a later
    screen. `pattern` is a regular expression for the whole text, and `hint` the sentence that explains it.
    With `literal`, a text that is also a navigation key ("0", "cancel") is an answer.
    """

    __slots__ = ("_hint", "_literal", "_max", "_min", "_pattern")
    tag = "text"

    def __init__(
        self,
        min: int = 1,  # noqa: A002
        max: int = 160,  # noqa: A002
        pattern: str | None = None,
        *,
        hint: Message | None = None,
        literal: bool = False,
    ) -> None:
        self._min = min
        self._max = max
        self._pattern = pattern
        self._hint = hint
        self._literal = literal

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most characters."""
        return self._min, self._max

    @property
    def pattern(self) -> str | None:
        """The regular expression for the whole text; None for none."""
        return self._pattern

    def parse(self, given: Given, options: tuple[Option, ...]) -> str:
        """The text, normalised."""
        if len(given.text) > _LONGEST:
            raise Invalid(self._too_long())
        text = _INVISIBLE.sub("", unicodedata.normalize("NFC", given.text)).strip()
        if len(text) < self._min:
            raise Invalid(tn("Enter at least {n} character.", "Enter at least {n} characters.", self._min))
        if len(text) > self._max:
            raise Invalid(self._too_long())
        if not text.isprintable() and _UNSAFE.search(text):
            raise Invalid(t("Write it on one line, with letters, digits and signs only."))
        if self._pattern is not None and re.fullmatch(self._pattern, text) is None:
            raise Invalid(self._hint)
        return text

    def literal(self, text: str) -> bool:
        """As asked for, if it is a valid text."""
        if not self._literal:
            return False
        try:
            self.parse(Given(text, _NO_DAY), ())
        except Invalid:
            return False
        return True

    def literals(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """See `Answer.literals`."""
        return () if type(self) is Text and not self._literal else super().literals(words)

    def _too_long(self) -> Message:
        return tn("Enter at most {n} character.", "Enter at most {n} characters.", self._max)


class Date(Answer[dt.date]):
    """A date, day first: `31/12/2026`, `31-12-2026`, `31.12.2026`, `31122026`, or ISO `2026-12-31`.

    The year has four digits, 1900 to 2199. `earliest` and `latest` are both allowed; with `past=False` or
    `future=False` days before or after the turn's date are refused (today never is).
    """

    __slots__ = ("_earliest", "_future", "_latest", "_past")
    tag = "date"

    def __init__(
        self,
        earliest: dt.date | None = None,
        latest: dt.date | None = None,
        *,
        past: bool = True,
        future: bool = True,
    ) -> None:
        self._earliest = earliest
        self._latest = latest
        self._past = past
        self._future = future

    @property
    def bounds(self) -> tuple[dt.date | None, dt.date | None]:
        """The first and the last day, both allowed; None for none."""
        return self._earliest, self._latest

    def parse(self, given: Given, options: tuple[Option, ...]) -> dt.date:
        """The date typed."""
        match = _DATE.fullmatch(_plain(given.text))
        day = _day(match) if match else None
        if day is None:
            raise Invalid(t("Enter a date as day/month/year, like {example}.", example=_written(given.today)))
        if not self._past and day < given.today:
            raise Invalid(t("Enter today's date or a later one."))
        if not self._future and day > given.today:
            raise Invalid(t("Enter today's date or an earlier one."))
        if self._earliest is not None and day < self._earliest:
            raise Invalid(t("Enter a date not before {date}.", date=_written(self._earliest)))
        if self._latest is not None and day > self._latest:
            raise Invalid(t("Enter a date not after {date}.", date=_written(self._latest)))
        return day

    def encode(self, value: dt.date) -> Any:
        """ISO 8601, `2026-12-31`."""
        return value.isoformat()

    @staticmethod
    def decode(data: Any) -> dt.date:
        """A date of its ISO form."""
        return dt.date.fromisoformat(data)


_MONEY_TAG = "money:"
_PHONE = re.compile(r"\+?[0-9 ()./-]{3,30}")
_GROUPED = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,3}(?: [0-9]{3}){1,4}|[0-9]{1,15})"
_MONEY = re.compile(
    r"(?P<minus>-)?(?:(?P<before>[A-Za-z]{3}) ?)?"
    rf"(?P<whole>(?!0[0-9]){_GROUPED})(?:\.(?P<decimals>[0-9]{{1,6}}))?"
    r"(?:/[=-])?(?: ?(?P<after>[A-Za-z]{3}))?"
)
_NUMBER = re.compile(rf"[+-]?{_GROUPED}")
_SEPARATORS = re.compile("[, +]")
_DATE = re.compile(
    r"(?P<d>[0-9]{1,2})(?P<mark>[/. -])(?P<m>[0-9]{1,2})(?P=mark)(?P<y>[0-9]{4})"
    r"|(?P<d8>[0-9]{2})(?P<m8>[0-9]{2})(?P<y8>[0-9]{4})"
    r"|(?P<iy>[0-9]{4})-(?P<im>[0-9]{2})-(?P<id>[0-9]{2})"
)
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST = 10_000
"""Characters past which a text is not even normalised."""

_INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
_AS_ASCII: dict[int, str | None] = {
    **dict.fromkeys((0xA0, 0x2007, 0x2009, 0x202F), " "),
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212), "-"),
    **dict.fromkeys((0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)),
    0x066B: ".",
    0x066C: ",",
    0xFF0B: "+",
}
"""Spaces, hyphens and separators of other scripts as ASCII, without the marks that copying brings along."""

_LONGEST_KEYED = 100

_NO_DAY = dt.date(2000, 1, 1)


def _plain(text: str) -> str:
    """What was meant to be typed on a keypad; empty for what is far too long to be."""
    if len(text) > _LONGEST_KEYED:
        return ""
    text = text.strip()
    return text if text.isascii() else ascii_digits(text.translate(_AS_ASCII)).strip()


def _counts(text: str) -> bool:
    """Whether a text is a plain number of at most 15 digits: "0" and "98" are, "00" and "#" are not."""
    return text.isascii() and text.isdecimal() and len(text) <= 15 and (text == "0" or text[0] != "0")


def _literals(
    answer: Answer[Any], bounds: tuple[str, int | None, int | None], words: tuple[str, ...]
) -> tuple[str, ...]:
    """What `answer.literal` says of each key, worked out once for all answers with these bounds."""
    found = _LITERALS.get((bounds, words))
    if found is None:
        if len(_LITERALS) >= _MOST_BOUNDS:  # bounds may come from a balance
            _LITERALS.clear()
        found = _LITERALS[bounds, words] = tuple([each for each in words if answer.literal(each)])
    return found


_LITERALS: dict[tuple[tuple[str, int | None, int | None], tuple[str, ...]], tuple[str, ...]] = {}
_MOST_BOUNDS = 1000


def _day(match: re.Match[str]) -> dt.date | None:
    year, month, day = (
        int(match[names[0]] or match[names[1]] or match[names[2]])
        for names in (("y", "y8", "iy"), ("m", "m8", "im"), ("d", "d8", "id"))
    )
    try:
        return dt.date(year, month, day) if 1900 <= year <= 2199 else None
    except ValueError:
        return None


def _written(day: dt.date) -> str:
    return f"{day.day:02}/{day.month:02}/{day.year}"


def _e164(typed: str, region: str, mobile: bool) -> str | None:
    """E.164 of a possible, valid number; None for none. libphonenumber is loaded by the first."""
    import phonenumbers

    _known(region)
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    kinds = phonenumbers.PhoneNumberType
    kind = phonenumbers.number_type(number)
    if kind == kinds.UNKNOWN:  # is what is not valid; to ask that as well would cost as much again
        return None
    if mobile and kind not in (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@functools.cache
def _example(region: str, mobile: bool) -> str:
    """A number of the region as people there write it; empty where none is known."""
    import phonenumbers

    _known(region)
    kind = phonenumbers.PhoneNumberType.MOBILE if mobile else phonenumbers.PhoneNumberType.FIXED_LINE
    number = phonenumbers.example_number_for_type(region, kind)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL) if number else ""


def _known(region: str) -> None:
    import phonenumbers

    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise Misuse(f"Phone(region={region!r}): not a region of ISO 3166, such as UG or KE")
