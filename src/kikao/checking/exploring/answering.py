"""What members may answer: of each kind of question the longest, usual and shortest answers, and wrong ones.

Whatever is tried was judged by the answer type itself: what `parse` takes is right, and each sentence with which it
refuses something is a screen of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from kikao.checking.exploring.patterns import matching
from kikao.checking.exploring.values import LARGEST
from kikao.conversation.answer_types import Date, Money, Number, Phone, Pin, Text
from kikao.conversation.answers import Answer, Location, Media
from kikao.conversation.errors import Invalid
from kikao.conversation.inputs import Attachment, File, Given, Place
from kikao.conversation.screens import Screen
from kikao.i18n.messages import Message

PIN: Final = "739182640517"
"""Its first digits are the PIN that is entered."""

RIGHT: Final = 12
"""Most right answers to one question that are tried; of options, all are."""

OPTIONS: Final = 40
WRONG: Final = 8

_WORDS: Final = "Nakalembe Nabukenya Florence Mirembe Okello "
_UNUSUAL: Final = "Ŋŋaŋŋa Ŋŋoŋŋo "
"""Letters of Luganda that GSM-7 does not have."""

_PHOTO: Final = File("media-1", "image/jpeg", 40_000, "0" * 64, "stored-1")


class Try(msgspec.Struct, frozen=True):
    """One thing to answer. `kind` groups those after which a flow goes on alike."""

    text: str
    kind: str
    """`option X`, `right` or `wrong`."""
    label: str
    """How a finding tells of it; never a secret."""
    attachment: Attachment | None = None


class Answering:
    """Finds answers. `numbers` and `texts` are what the code compares with; `today` is the day of the turn.

    `own` is the member's own number.
    """

    def __init__(self, numbers: Sequence[int], texts: Sequence[str], today: dt.date, own: str) -> None:
        self._numbers = numbers
        self._texts = texts
        self._today = today
        self._own = own

    def tries(self, answer: Answer[Any], screen: Screen, moves: Callable[[str], bool]) -> list[Try]:
        """Right answers, the longest first, then one for each sentence that refuses. `moves` tells what is a command.

        Empty where nothing right was found: an answer type of the app's that needs examples.
        """
        if screen.options:
            right = [
                Try(option.key, f"option {option.value!r}", f"{option.value!r}")
                for option in screen.options[:OPTIONS]
            ]
        else:
            right = []
        wrong: dict[str, Try] = {}
        seen: set[str] = set()
        for text, attachment in self._candidates(answer):
            if attachment is None and (text in seen or moves(text)):
                continue
            seen.add(text)
            try:
                value = answer.parse(Given(text, self._today, attachment), screen.options)
            except Invalid as problem:
                written = problem.text.msgid if isinstance(problem.text, Message) else str(problem.text)
                shown = "(wrong)" if screen.secret else repr(text)
                wrong.setdefault(written, Try(text, "wrong", shown, attachment))
            except Exception:  # noqa: BLE001 - the flow will break in the same way, where it is told
                right.append(Try(text, "right", "(secret)" if screen.secret else repr(text), attachment))
            else:
                if not screen.options:
                    shown = "(secret)" if screen.secret else f"{value}"[:40]
                    right.append(Try(text, "right", shown, attachment))
        if not screen.options:
            right = right[:1] if screen.secret else right[:RIGHT]
        return [*right, *list(wrong.values())[:WRONG]]

    def _candidates(self, answer: Answer[Any]) -> Iterable[tuple[str, Attachment | None]]:
        if isinstance(answer, Location):
            yield "", Place(0.31628, 32.58219)
        elif isinstance(answer, Media):
            for mime in ("image/jpeg", "application/pdf", "audio/ogg", "video/mp4"):
                yield "", msgspec.structs.replace(_PHOTO, mime=mime)
        else:
            for text in self._typed(answer):
                yield text, None
        for text in _NEVER:
            yield text, None

    def _typed(self, answer: Answer[Any]) -> Iterable[str]:
        if isinstance(answer, Money):
            return self._money(answer)
        if isinstance(answer, Number):
            least, most = answer.bounds
            ends = [most if most is not None else 999_999_999_999_999, least if least is not None else 0]
            near = (number + by for number in self._numbers for by in (0, 1, -1))
            return map(str, [*ends, ends[1] + 1, 1, 0, *near, ends[0] + 1, ends[1] - 1])
        if isinstance(answer, Text):
            return self._texts_for(answer)
        if isinstance(answer, Phone):
            return [*_phones(*answer.numbers), self._own]
        if isinstance(answer, Pin):
            least, most = answer.bounds
            return [PIN[:most].ljust(most, "5"), "7" * (most + 1), "1" * max(least - 1, 1)]
        if isinstance(answer, Date):
            return self._days(*answer.bounds)
        least_words = [_WORDS.strip(), "Asha", "1", "1000", "2026-12-31", "0772123456"]
        return [*self._texts, *least_words]

    def _money(self, answer: Money) -> list[str]:
        from kikao.i18n.money import exponent

        scale = 10 ** exponent(answer.tag.partition(":")[2])
        least, most = answer.bounds
        largest = most if most is not None else max(LARGEST * scale + scale - 1, least)
        near = (number + by for number in self._numbers for by in (0, 1, -1))
        cents = largest - 1 if scale > 1 and largest > least else largest
        minors = [
            cents,
            largest,
            least,
            max(least, 1_000 * scale),
            least + 1,
            *near,
            largest + 1,
            least - 1,
            0,
        ]
        return [_decimal(minor, scale) for minor in minors]

    def _texts_for(self, answer: Text) -> list[str]:
        least, most = answer.bounds
        found = [_long(_WORDS, most), *matching(answer.pattern, most), "Asha", _long(_UNUSUAL, most)]
        found += ["A" * most, "7" * most, *self._texts, _long(_WORDS, least) if least else "a", "a" * least]
        return [*found, "a" * (most + 1), "a" * max(least - 1, 0), "a@b.example", "K"]

    def _days(self, earliest: dt.date | None, latest: dt.date | None) -> list[str]:
        day = dt.timedelta(days=1)
        days = [latest or dt.date(2199, 12, 31), self._today, earliest or dt.date(1900, 1, 1)]
        days += [self._today + day, self._today - day, days[2] + day]
        days += [days[0] + day] if latest else []
        days += [days[2] - day] if earliest else []
        return [each.isoformat() for each in days]


_NEVER: Final = ("", "?", "0", "-1", "99999999999999999999", "x", "31/02/2026", "1.5", "1 2 3 4 5 6 7 8 9\n")
"""What hardly any question takes."""


def _phones(region: str, mobile: bool) -> list[str]:
    """Numbers of the region, of its neighbours, and the longest of Africa's."""
    import phonenumbers

    kinds = [phonenumbers.PhoneNumberType.MOBILE]
    kinds += [] if mobile else [phonenumbers.PhoneNumberType.FIXED_LINE]
    found = []
    for each in (region, "NG", "UG", "KE", "TZ", "RW", "GH", "GB"):
        for kind in kinds:
            number = phonenumbers.example_number_for_type(each, kind)
            if number is not None:
                found.append(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return [max(found, key=len), *found]


def _long(words: str, most: int) -> str:
    text = (words * (most // len(words) + 1))[:most]
    return text if not text.endswith(" ") else text[:-1] + "a"


def _decimal(minor: int, scale: int) -> str:
    if scale == 1 or minor % scale == 0:
        return str(minor // scale)
    return f"{minor // scale}.{str(minor % scale).zfill(len(str(scale)) - 1)}"
