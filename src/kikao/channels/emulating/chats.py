"""What a member has on the phone: a chat as a list of messages in order, edited in place, with buttons and media."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

Kind = Literal["callback", "text", "contact", "location", "url", "row", "flow", "phone", "other"]


@dataclass(slots=True)
class Button:
    """What can be tapped. `value` is what the provider then tells the bot, which no member sees."""

    label: str
    value: str = ""
    kind: Kind = "callback"
    about: str = ""
    """What stands below the label, in a list."""


@dataclass(slots=True, eq=False)
class Media:
    """A file in a message."""

    name: str
    mime: str
    data: bytes | None
    """None for one that only has a URL."""
    url: str = ""
    kind: str = ""
    """What it is shown as, where the message is something else."""


@dataclass(slots=True, eq=False)
class Message:
    """One message in a chat, as a member sees it now."""

    id: str
    by: str
    """The name of who sent it; empty for the bot or business."""
    text: str
    """Formatting is resolved: no tags, no escapes. Of media, the caption."""
    at: float
    kind: str = "text"
    rows: list[list[Button]] = field(default_factory=list)
    opens: str = ""
    """The button that opens a list; its rows are in `rows`."""
    media: Media | None = None
    edited_at: float | None = None
    deleted: bool = False
    ticks: str = ""
    """What the provider has reported of it: sent, delivered, read or failed; empty for nothing yet."""
    raw: Any = None
    """As the provider's API writes it."""
    keys: list[list[Button]] = field(default_factory=list)
    """Buttons that came with it in place of the letters, of the chat and not of this message."""

    @property
    def buttons(self) -> list[str]:
        """The labels of its buttons, in order."""
        return [button.label for row in self.rows for button in row]

    @property
    def lines(self) -> tuple[str, ...]:
        """The message as lines of a screen: media, text, each row of buttons as `[Yes] [No]`, and those of the keyboard
        as `(keys) [My number]`."""
        shown = (
            []
            if self.media is None
            else [f"({self.media.kind or self.kind}: {self.media.name or self.media.mime})"]
        )
        shown += self.text.split("\n") if self.text else []
        if self.opens:
            shown.append(f"[{self.opens}]")
        for row in self.rows:
            about = f" {row[0].about}" if len(row) == 1 and row[0].about else ""
            shown.append(_row(row) + about)
        shown += [f"(keys) {_row(row)}" for row in self.keys]
        return tuple(shown)

    def button(self, which: str | int) -> Button:
        """By its label, in any case, or how that begins; or by its place, from 0. Raises `LookupError`."""
        flat = [button for row in self.rows for button in row]
        if isinstance(which, int):
            if not 0 <= which < len(flat):
                raise LookupError(f"{len(flat)} buttons, from 0: there is no {which}")
            return flat[which]
        wanted = which.casefold()
        meant = [each for each in flat if each.label.casefold() == wanted]
        meant = meant or [each for each in flat if each.label.casefold().startswith(wanted)]
        if len(meant) != 1:
            have = ", ".join(f"[{each.label}]" for each in flat) or "no buttons"
            raise LookupError(f"{len(meant)} buttons say {which!r}, not one: {have}")
        return meant[0]


class Chat:
    """Messages in order. What was deleted is not there any more."""

    def __init__(self, title: str = "") -> None:
        self.title = title
        self.all: list[Message] = []
        """Also those that were deleted."""
        self.keyboard: list[list[Button]] = []
        """Buttons in place of the letters, as the bot set them last."""
        self.changes = 0
        """How often something came or was changed by the bot."""
        self._changed: dict[str, int] = {}
        self._by_id: dict[str, Message] = {}

    @property
    def messages(self) -> list[Message]:
        """What is to be seen, of all who write here."""
        return [message for message in self.all if not message.deleted]

    @property
    def heard(self) -> list[Message]:
        """What the bot or business said, as it stands now."""
        return [message for message in self.all if not message.by and not message.deleted]

    @property
    def last(self) -> Message:
        """What the bot said last. Raises `LookupError` when it said nothing."""
        if (message := self._last("")) is not None:
            return message
        raise LookupError(f"nobody has said anything here{f' to {self.title}' if self.title else ''}")

    def last_by(self, name: str) -> Message:
        """What somebody wrote last. Raises `LookupError` when they wrote nothing."""
        if (message := self._last(name)) is not None:
            return message
        raise LookupError(f"{name} has written nothing here")

    @property
    def texts(self) -> list[str]:
        """The texts of what the bot said."""
        return [message.text for message in self.heard]

    @property
    def buttons(self) -> list[str]:
        """Labels that the last message of the bot has, and then those of the keyboard."""
        own = self.last.buttons if self.heard else []
        return own + [button.label for row in self.keyboard for button in row]

    def find(self, name: str) -> Message | None:
        """A message by its id, unless it was deleted."""
        message = self._by_id.get(name)
        return None if message is None or message.deleted else message

    def with_button(self, which: str | int) -> Message:
        """The newest message that has such a button. Raises `LookupError`."""
        problem = LookupError(f"no message here has a button {which!r}")
        for message in reversed(self.messages):
            if message.rows:
                try:
                    message.button(which)
                except LookupError as error:
                    problem = LookupError(f"{error}; and none before has it") if problem else error
                else:
                    return message
        raise problem

    def add(self, message: Message) -> Message:
        """One more, at the end."""
        self.all.append(message)
        self._by_id[message.id] = message
        if not message.by:
            self.touch(message)
        return message

    def touch(self, message: Message) -> None:
        """The bot changed it, or sent it."""
        self.changes += 1
        self._changed[message.id] = self.changes

    def since(self, change: int) -> list[Message]:
        """What the bot said or changed since, in the order of the chat."""
        return [m for m in self.heard if self._changed.get(m.id, 0) > change]

    def _last(self, by: str) -> Message | None:
        return next((m for m in reversed(self.all) if m.by == by and not m.deleted), None)


def _row(buttons: list[Button]) -> str:
    return " ".join(f"[{button.label}]" for button in buttons)


TICKS: Final = ("sent", "delivered", "read")


def utf16(text: str) -> int:
    """Length in UTF-16 units, which offsets of entities count."""
    return len(text.encode("utf-16-le")) // 2
