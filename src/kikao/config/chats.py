"""Chats in the settings: numbers on WhatsApp, bots on Telegram, accounts for SMS, and the address they are reached at.

KIKAO_WHATSAPP_TOKEN=…            [whatsapp]                 called cloud-api
KIKAO_WHATSAPP_SHOP_TOKEN=…       [whatsapp.shop]            a further number; what it lacks stands in [whatsapp]
KIKAO_TELEGRAM_TOKEN=…            [telegram]                 called bot-api
KIKAO_SMS_AFRICASTALKING_…=…      [sms.africastalking]
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from kikao.config.accounts import SMS
from kikao.config.chat_shapes import CHANNELS, TELEGRAM, WHATSAPP, Shape, sms_keys, variable
from kikao.config.chat_values import (
    api_url,
    api_version,
    app_secrets,
    bearer,
    bot_token,
    on_or_off,
    phone_number_id,
    sender,
    username,
    verify_token,
    webhook_secret,
)
from kikao.config.gateways import Setting, Unknown, option_value
from kikao.config.hidden import Hidden
from kikao.config.settings import SmsSettings, TelegramSettings, WhatsAppSettings
from kikao.config.values import Found, Wrong, networks, path_token, typed

T = TypeVar("T")


class Chats:
    """One reading of them. `problem` hears of each that is wrong, `unknown` of each setting that does not exist."""

    def __init__(self, problem: Callable[[str], None], unknown: Unknown) -> None:
        self._problem = problem
        self._unknown = unknown
        self._found: dict[tuple[str, str], dict[str, Found]] = {}
        """By channel and name, which is empty for the one without."""

    # --- where they stand ---

    def read_tables(self, tables: Mapping[str, Any], file: str) -> None:
        """`[whatsapp]`, `[telegram]` and `[sms]` of the file."""
        for channel, shape in CHANNELS.items():
            self._read_channel(channel, shape, tables.get(channel, {}), file)
        sms = tables.get("sms", {})
        if not isinstance(sms, dict):
            self._problem(f"sms ({file}): must be tables. Write [sms.africastalking].")
            return
        for name, table in sms.items():
            where = f"sms.{name} ({file})"
            if not isinstance(table, dict):
                self._problem(f"{where}: must be a table. Write [sms.{name}].")
            elif name not in SMS:
                self._problem(f"{where}: kikao sends no SMS over that. There are: {', '.join(SMS)}.")
            else:
                self._read_keys("sms", name, [*sms_keys(name)], table, file)

    def _read_channel(self, channel: str, shape: Shape, table: object, file: str) -> None:
        if not isinstance(table, dict):
            self._problem(f"{channel} ({file}): must be a table. Write [{channel}], {shape.own} below.")
            return
        plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
        if plain:
            self._read_keys(channel, "", [*shape.keys], plain, file)
        for name, own in table.items():
            if not isinstance(own, dict):
                continue
            if wrong := _name_wrong(name, shape):
                self._problem(f"{channel}.{name[:40]} ({file}): {wrong}.")
            else:
                self._read_keys(channel, name, [*shape.keys], own, file)

    def _read_keys(
        self, channel: str, name: str, keys: list[str], table: Mapping[str, Any], file: str
    ) -> None:
        found = self._found.setdefault((channel, name), {})
        for key, value in table.items():
            where = f"{'.'.join(filter(None, (channel, name, key)))} ({file})"
            if key in keys:
                found[key] = Found(key, value, where, True)
            else:
                self._unknown(where, key, keys)

    def read_variable(self, name: str, value: str, set_as: str = "") -> bool:
        """A variable of the environment, which was `set_as` by another name; False for one that is none of these."""
        set_as = set_as or name
        match = _VARIABLE(name)
        if match is None:
            return False
        channel, rest = match[1].lower(), match[2].lower()
        where = f"{set_as} (environment)"
        if channel == "sms":
            whose = max((slug for slug in SMS if rest.startswith(f"{slug}_")), key=len, default="")
            if not whose:
                self._problem(f"{where}: kikao sends no SMS over that. There are: {', '.join(SMS)}.")
                return True
            key, keys = rest[len(whose) + 1 :], [*sms_keys(whose)]
        else:
            shape = CHANNELS[channel]
            keys = [*shape.keys]
            key = max((key for key in keys if rest == key or rest.endswith(f"_{key}")), key=len, default="")
            whose = rest[: -len(key)].rstrip("_") if key else ""
            key = key or rest
            if whose and (wrong := _name_wrong(whose, shape)):
                self._problem(f"{where}: {wrong}.")
                return True
        if key in keys:
            self._found.setdefault((channel, whose), {})[key] = Found(set_as, value, where, False)
        else:
            self._unknown(where, key, keys, set_as.removesuffix(key.upper()))
        return True

    def __bool__(self) -> bool:
        """Whether anything is set of any."""
        return bool(self._found)

    # --- what they mean ---

    def whatsapp(self) -> dict[str, WhatsAppSettings]:
        """The numbers, by name."""
        found = {}
        for name, own in self._lines("whatsapp"):
            default = WhatsAppSettings(phone_number_id="", token=Hidden(b""))
            read = _Reading(self._problem, own, WHATSAPP.keys)
            for key in ("phone_number_id", "token"):
                self._demand("whatsapp", name, key, own)
            found[name] = WhatsAppSettings(
                phone_number_id=read("phone_number_id", phone_number_id, ""),
                token=read("token", bearer, default.token),
                app_secrets=read("app_secret", app_secrets, ()),
                verify_token=read("verify_token", verify_token, None),
                api_url=read("api_url", api_url, default.api_url),
                api_version=read("api_version", api_version, default.api_version),
                read_marks=read("read_marks", on_or_off, True),
            )
        numbers = {name: each.phone_number_id for name, each in found.items() if each.phone_number_id}
        for one, other in itertools.combinations(numbers, 2):
            if numbers[one] == numbers[other]:
                self._problem(
                    f"{variable('whatsapp', other, 'phone_number_id')}: is the number of {one} as well. Set another, "
                    "or remove one of them."
                )
        return found

    def telegram(self) -> dict[str, TelegramSettings]:
        """The bots, by name."""
        found = {}
        for name, own in self._lines("telegram"):
            default = TelegramSettings(token=Hidden(b""))
            read = _Reading(self._problem, own, TELEGRAM.keys)
            self._demand("telegram", name, "token", own)
            found[name] = TelegramSettings(
                token=read("token", bot_token, default.token),
                secret=read("secret", webhook_secret, None),
                username=read("username", username, ""),
                api_url=read("api_url", api_url, default.api_url),
            )
        for one, other in itertools.combinations(found, 2):
            if found[one].token.reveal() and found[one].token.matches(found[other].token):
                self._problem(
                    f"{variable('telegram', other, 'token')}: is the token of {one} as well. Each bot has its own."
                )
        return found

    def sms(self) -> dict[str, SmsSettings]:
        """The accounts, by gateway."""
        found = {}
        for (channel, name), own in sorted(self._found.items()):
            if channel != "sms":
                continue
            read = _Reading(self._problem, own, sms_keys(name))
            options = {}
            for option in SMS[name]:
                if option.required and option.name not in own:
                    self._demand("sms", name, option.name, own)
                value = read(option.name, option_value(option), None)
                if value is not None:
                    options[option.name] = value
            found[name] = SmsSettings(
                sender=read("sender", sender, ""),
                token=read("token", path_token, None),
                allow=read("allow", networks, ()),
                api_url=read("api_url", api_url, ""),
                options=options,
            )
        return found

    def _lines(self, channel: str) -> Iterator[tuple[str, dict[str, Found]]]:
        shape = CHANNELS[channel]
        first = self._found.get((channel, ""), {})
        others = sorted(name for of, name in self._found if of == channel and name)
        if first and (shape.own in first or not others):
            yield shape.slug, first
        common = {key: found for key, found in first.items() if key in shape.common}
        for name in others:
            yield name, {**common, **self._found[channel, name]}

    def _demand(self, channel: str, name: str, key: str, own: Mapping[str, Found]) -> None:
        if key not in own:
            keys = CHANNELS[channel].keys if channel in CHANNELS else sms_keys(name)
            missing = variable(channel, name, key)
            self._problem(
                f"{missing}: missing, and {channel}/{name} can do nothing without it. Set for example: "
                f"{missing}={keys[key].example}"
            )


class _Reading:
    """The values of one line. A value that is wrong is told, and the default taken."""

    def __init__(
        self, problem: Callable[[str], None], found: Mapping[str, Found], keys: Mapping[str, Setting]
    ) -> None:
        self._problem = problem
        self._found = found
        self._keys = keys

    def __call__(self, key: str, parse: Callable[[Any], T], default: T) -> T:
        found = self._found.get(key)
        if found is None:
            return default
        setting = self._keys[key]
        try:
            value = found.value
            if setting.kind is list and found.from_file and isinstance(value, str):  # one alone needs no list
                found = found._replace(value=[value])
            return parse(typed(found, setting.kind))
        except Wrong as wrong:
            self._problem(f"{found.where}: {wrong}. Set for example: {setting.as_set(found)}")
            return default


def _name_wrong(name: str, shape: Shape) -> str:
    """What is wrong with the name of a further one; empty where nothing is."""
    if not _NAME(name):
        return f"{name[:40]!r} is no name: a-z, 0-9 and _, a letter first, 20 at most"
    if any(key == name or key.startswith(f"{name}_") for key in shape.keys):
        return f"{name!r} is how a setting begins: choose another name"
    return ""


_VARIABLE = re.compile("KIKAO_(WHATSAPP|TELEGRAM|SMS)_([A-Z][A-Z0-9_]*)").fullmatch
_NAME = re.compile("[a-z][a-z0-9_]{0,19}").fullmatch
