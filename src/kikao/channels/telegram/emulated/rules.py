"""What the Bot API refuses, and how it says so. https://core.telegram.org/bots/api"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from kikao.channels.emulating.chats import Button, Kind
from kikao.channels.emulating.limits import Rate
from kikao.channels.emulating.wire import Upload

TEXT: Final = 4096
CAPTION: Final = 1024
"""Characters, once entities are parsed."""

DATA: Final = 64
"""Octets of callback data, at least one."""

TOAST: Final = 200
"""Characters of the answer to a callback."""

COMMANDS: Final = 100
NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
"""Of commands."""

DOWNLOAD: Final = 20 * 2**20
UPLOAD: Final = 50 * 2**20
PHOTO: Final = 10 * 2**20
"""Octets of files."""

SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
"""What a secret token of a webhook may have in it."""

PAYLOAD: Final = re.compile(r"[A-Za-z0-9_-]{0,64}")
"""Of a deep link."""


class Rates:
    """How much a bot may send: 30 messages a second in all, one a second to a chat, 20 a minute to a group.

    `BotApi(rates=BotApi.RATES)` has these; `BotApi.RATES.scaled(10)` ten times as much.
    """

    def __init__(
        self,
        bot: Rate | None = Rate(30, 1.0),  # noqa: B008 - immutable
        chat: Rate | None = Rate(1, 1.0),  # noqa: B008
        group: Rate | None = Rate(20, 60.0),  # noqa: B008
    ) -> None:
        self.bot = bot
        self.chat = chat
        self.group = group

    def scaled(self, factor: float) -> Rates:
        """So many times as much."""
        return Rates(*(rate and rate.scaled(factor) for rate in (self.bot, self.chat, self.group)))


class Breach(Exception):
    """A call that the Bot API does not take."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(what: str) -> Breach:
    """A 400."""
    return Breach(400, f"Bad Request: {what}")


class Given:
    """The parameters of a call: as JSON has them, or as texts where it is a form."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.used: set[str] = set()

    def get(self, name: str) -> Any:
        """None where it is not given, as is said of null and of an empty text."""
        self.used.add(name)
        value = self.fields.get(name)
        return None if value == "" else value

    def text(self, name: str) -> str:
        """Empty where there is none."""
        value = self.get(name)
        if isinstance(value, dict | list | Upload):
            raise bad(f"parameter {name} must be a string")
        return "" if value is None else str(value)

    def number(self, name: str) -> int | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not _WHOLE(str(value)):
            raise bad(f'invalid parameter "{name}": must be an integer')
        return int(value)

    def real(self, name: str) -> float:
        """Raises `Breach` where there is none."""
        try:
            return float(str(self.get(name)))
        except ValueError:
            raise bad(f'invalid parameter "{name}": must be a number') from None

    def flag(self, name: str) -> bool:
        return str(self.get(name)).lower() in ("true", "1", "yes")

    def structure(self, name: str) -> Any:
        """A list or an object, from the text of a form, too."""
        value = self.get(name)
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError:
                raise bad(f"can't parse {name} JSON object") from None
        return value

    def left(self) -> set[str]:
        """Parameters that nobody looked at."""
        return set(self.fields) - self.used


def inline_rows(markup: dict[str, Any]) -> list[list[Button]]:
    """The buttons below a message. Raises `Breach`."""
    return [[_inline(each) for each in row] for row in _rows(markup, "inline_keyboard")]


def keyboard_rows(markup: dict[str, Any]) -> list[list[Button]]:
    """The buttons in place of letters. Raises `Breach`."""
    return [[_key(each) for each in row] for row in _rows(markup, "keyboard")]


def commands(given: Any) -> list[dict[str, str]]:
    """Of a bot's menu. Raises `Breach`."""
    if not isinstance(given, list):
        raise bad("expected an Array of BotCommand")
    if len(given) > COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for each in given:
        name = each.get("command", "") if isinstance(each, dict) else ""
        about = each.get("description", "") if isinstance(each, dict) else ""
        if not isinstance(name, str) or not NAME.fullmatch(name.removeprefix("/")):
            raise bad("BOT_COMMAND_INVALID")
        if not isinstance(about, str) or not 1 <= len(about) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    return given


def _rows(markup: dict[str, Any], name: str) -> list[list[Any]]:
    rows = markup[name]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad(f'field "{name}" of the keyboard must be an Array of Arrays')
    return rows


def _inline(given: Any) -> Button:
    if not isinstance(given, dict):
        raise bad("can't parse inline keyboard button: expected an Object")
    label = given.get("text")
    if not isinstance(label, str) or not label.strip():
        raise bad('can\'t parse inline keyboard button: field "text" must be a non-empty String')
    data = given.get("callback_data")
    if data is not None:
        if not isinstance(data, str) or not 1 <= len(data.encode()) <= DATA:
            raise bad("BUTTON_DATA_INVALID")
        return Button(label, data, "callback")
    if given.get("url"):
        if not _URL(str(given["url"])):
            raise bad(f"inline keyboard button URL '{given['url']}' is invalid: wrong HTTP URL")
        return Button(label, str(given["url"]), "url")
    if not _INLINE & given.keys():
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    return Button(label, "", "other")


def _key(given: Any) -> Button:
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, dict) or not isinstance(given.get("text"), str) or not given["text"].strip():
        raise bad('can\'t parse keyboard button: field "text" must be a non-empty String')
    kind: Kind = "text"
    if given.get("request_contact"):
        kind = "contact"
    elif given.get("request_location"):
        kind = "location"
    return Button(given["text"], "", kind)


_WHOLE: Final = re.compile(r"-?\d{1,19}").fullmatch
_URL: Final = re.compile(r"(?:https?|tg|ton)://\S+").fullmatch
_INLINE: Final = frozenset(
    "web_app login_url switch_inline_query switch_inline_query_current_chat switch_inline_query_chosen_chat "
    "copy_text callback_game pay".split()
)
