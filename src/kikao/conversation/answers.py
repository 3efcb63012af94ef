"""Answers: what a question accepts, and the one canonical form the journal keeps of it.

An answer type parses what the member gave, or raises `Invalid` with a sentence that says what would be
right. The journal keeps `encode(value)`: E.164, minor units, ISO dates, a choice's value; never a label or
a formatted text.

Here are the base and the answers that are picked or sent; those that are typed are in `answer_types`. A
flow makes an answer for every question on every replay, so `__init__` only assigns: options are built and
checked when shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, overload

from kikao.conversation.errors import Invalid, Misuse
from kikao.conversation.inputs import File, Given, Place
from kikao.conversation.screens import Option, Value
from kikao.i18n.messages import Message, Text, t

T = TypeVar("T")
V = TypeVar("V", bound=Value)


class Answer(Generic[T]):
    """What a question accepts. Subclass it for a type of your own: set `tag`, write `parse`."""

    __slots__ = ()

    tag: str = ""
    """Names the stored form; a journal entry with another tag no longer fits the question (schema change)."""
    whole: ClassVar[bool] = False
    """A confirmation: never split over pages, never answered by a long dial, never resumed into."""
    wants: ClassVar[str] = ""
    """What the member can share as the answer, where a channel has a way to ask for it; see `Screen.wants`."""
    decode: Callable[[Any], T] | None = None
    """Journal form → value; None when they are the same (the usual case, and the fast one)."""

    def options(self) -> tuple[Option, ...]:
        """What to choose from, in the order shown; empty for typed answers."""
        return ()

    def parse(self, given: Given, options: tuple[Option, ...]) -> T:
        """The value of what was given. `options` are those displayed, which may not be those of today's code.

        Raises `Invalid`.
        """
        raise TypeError(f"{type(self).__name__} must define parse()")

    def encode(self, value: T) -> Any:
        """Value → journal form: str, int, float, bool, None, and lists or dicts of them."""
        return value

    def literal(self, text: str) -> bool:
        """True when `text`, which is also a navigation key, is meant as an answer here ("0" children)."""
        return False

    def literals(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Which of some navigation keys are meant as an answer here, in their order: those that are `literal`.

        Asked at every question; an answer type of one's own need not define it.
        """
        return tuple([each for each in words if self.literal(each)])


class Choice(Answer[V]):
    """One of some options, numbered from 1 in the order given.

    Options are pairs of label and value, plain strings (both at once), or a mapping of value to label:

        Choice([(t("Airtime"), "airtime"), (t("Data"), "data")])
        Choice({"lg": "Luganda", "sw": "Kiswahili"})
        Choice(["Kampala", "Gulu"])

    Values are `str`, `int`, `bool` or `None`, and differ from each other; the first display raises `Misuse`
    where they do not. A member types the number that was displayed, or a label that is a plain `str`
    without regard to case. Numbers come first: a label of digits only is never matched, because "5" must
    not mean two things.
    """

    __slots__ = ("_options", "_shown")
    tag = "choice"

    @overload
    def __init__(self: Choice[str], options: Sequence[str]) -> None: ...
    @overload
    def __init__(self, options: Sequence[tuple[Text, V]]) -> None: ...
    @overload
    def __init__(self, options: Mapping[V, Text]) -> None: ...
    def __init__(self, options: Any) -> None:
        self._options = options
        self._shown: tuple[Option, ...] | None = None

    def options(self) -> tuple[Option, ...]:
        """The options with their keys. Raises `Misuse` for none, for a value twice or of another type."""
        if self._shown is not None:
            return self._shown
        found = tuple(
            Option(str(number), label, value)
            for number, (label, value) in enumerate(_pairs(self._options), start=1)
        )
        if not found:
            raise Misuse("a Choice without options: nothing to choose. Ask only when there is at least one.")
        seen: dict[tuple[type, Value], str] = {}
        for option in found:
            kind = type(option.value)
            if kind not in _PLAIN:
                raise Misuse(
                    f"a Choice with a value of type {kind.__name__}; the journal keeps str, int, bool, None. "
                    "Give a plain value, such as an id, and look the rest up."
                )
            earlier = seen.setdefault((kind, option.value), option.key)
            if earlier != option.key:
                raise Misuse(
                    f"options {earlier} and {option.key} of a Choice have one value: give each its own."
                )
        self._shown = found
        return found

    def parse(self, given: Given, options: tuple[Option, ...]) -> V:
        """The value of the displayed option that was typed, if the question still offers it."""
        chosen = picked(given.text, options)
        value: Any = chosen.value
        if not any(type(v) is type(value) and v == value for _, v in _pairs(self._options)):
            raise Invalid(NO_LONGER)
        return value  # type: ignore[no-any-return]

    def literal(self, text: str) -> bool:
        """True for the number or the label of an option: with 99 options "99" is one of them."""
        return find(text, self.options()) is not None

    def literals(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """See `Answer.literals`."""
        if type(self).literal is not Choice.literal:
            return super().literals(words)
        typed = {option.key for option in self.options()}
        typed.update(
            [" ".join(o.label.split()).casefold() for o in self.options() if isinstance(o.label, str)]
        )
        return () if typed.isdisjoint(words) else super().literals(words)


class Confirm(Answer[bool]):
    """Yes or no to what the screen says, whole and in one piece: 1 Confirm, 2 Cancel."""

    __slots__ = ()
    tag = "confirm"
    whole = True

    def options(self) -> tuple[Option, ...]:
        """Confirm and Cancel."""
        return CONFIRM

    def parse(self, given: Given, options: tuple[Option, ...]) -> bool:
        """True for Confirm, False for Cancel."""
        return picked(given.text, options).value is True


class Location(Answer[Place]):
    """A location that the member shares: degrees, WGS 84. Only for channels that can send one."""

    __slots__ = ()
    tag = "location"
    wants = "location"

    def parse(self, given: Given, options: tuple[Option, ...]) -> Place:
        """The place that came with the message; text instead is `Invalid`."""
        place = given.attachment
        if not isinstance(place, Place) or not _on_earth(place):
            raise Invalid(NO_LOCATION)
        return place

    def encode(self, value: Place) -> Any:
        """`[latitude, longitude]`."""
        return [value.latitude, value.longitude]

    @staticmethod
    def decode(data: Any) -> Place:
        """A `Place` of `[latitude, longitude]`."""
        return Place(data[0], data[1])


class Media(Answer[File]):
    """A file that the member sends; `max_size` is in bytes.

    `kinds` are "image", "audio", "video", "document" (any `application/*` or `text/*`), or whole MIME types.
    """

    __slots__ = ("_kinds", "_max_size")
    tag = "media"
    wants = "media"

    def __init__(
        self,
        kinds: tuple[str, ...] = ("image", "audio", "video", "document"),
        *,
        max_size: int | None = None,
    ) -> None:
        self._kinds = kinds
        self._max_size = max_size

    def parse(self, given: Given, options: tuple[Option, ...]) -> File:
        """The file that came with the message; text, another kind and too large a file are `Invalid`."""
        file = given.attachment
        if not isinstance(file, File) or not self._accepts(file.mime):
            raise Invalid(self._wanted())
        if self._max_size is not None and file.size > self._max_size:
            raise Invalid(
                t("That file is too large. Send one of at most {size}.", size=_size(self._max_size))
            )
        return file

    def encode(self, value: File) -> Any:
        """A dict of the fields of `File`."""
        return {name: getattr(value, name) for name in File.__struct_fields__}

    @staticmethod
    def decode(data: Any) -> File:
        """A `File` of a dict of its fields."""
        return File(**data)

    def _accepts(self, mime: str) -> bool:
        mime = mime.partition(";")[0].strip().lower()
        main = mime.partition("/")[0]
        kind = "document" if main in {"application", "text"} else main
        return kind in self._kinds or mime in self._kinds

    def _wanted(self) -> Message:
        if len(self._kinds) == 1 and self._kinds[0] in SEND:
            return SEND[self._kinds[0]]
        return t("Send a file of one of these kinds: {kinds}.", kinds=", ".join(self._kinds))


CONFIRM = (Option("1", t("Confirm"), True), Option("2", t("Cancel"), False))
NO_LONGER = t("That option is no longer available.")
NO_LOCATION = t("Share your location with the attachment button.")
SEND = {
    "image": t("Send a photo."),
    "audio": t("Send a voice recording."),
    "video": t("Send a video."),
    "document": t("Send a document."),
}


def find(text: str, options: tuple[Option, ...]) -> Option | None:
    """The option whose number, or else plain label, is typed; None for none and for a label shown twice."""
    typed = " ".join(text.split())
    key = ascii_digits(typed)
    for option in options:
        if option.key == key:
            return option
    if not typed or key.isdecimal():
        return None
    wanted = typed.casefold()
    named = [
        o for o in options if isinstance(o.label, str) and " ".join(o.label.split()).casefold() == wanted
    ]
    return named[0] if len(named) == 1 else None


def picked(text: str, options: tuple[Option, ...]) -> Option:
    """As `find`; raises `Invalid` for none."""
    option = find(text, options)
    if option is None:
        raise Invalid
    return option


def ascii_digits(text: str) -> str:
    """The text with the decimal digits of any script, such as Arabic-Indic ones, as 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(int(c)) if c.isdecimal() else c for c in text)


_PLAIN = (str, int, bool, type(None))


def _pairs(options: Any) -> list[tuple[Text, Any]]:
    if isinstance(options, Mapping):
        return [(label, value) for value, label in options.items()]
    if isinstance(options, str):
        raise Misuse("a Choice of one string: options are a list of strings or pairs, or a mapping.")
    return [(each, each) if isinstance(each, str) else each for each in options]


def _on_earth(place: Place) -> bool:
    """Within the degrees there are; false for NaN."""
    return math.fabs(place.latitude) <= 90 and math.fabs(place.longitude) <= 180


def _size(size: int) -> str:
    """Bytes as members read them, rounded down: `5 MB`, `300 kB`."""
    for unit, scale in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= scale:
            return f"{size // scale} {unit}"
    return f"{size} B"
