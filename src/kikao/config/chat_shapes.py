"""Which settings chats have, and how the variables are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from kikao.config.accounts import SMS
from kikao.config.gateways import COMMON, Setting


class Shape(NamedTuple):
    """What the settings of a channel are."""

    slug: str
    """What the one is called that has no name in the settings."""
    keys: Mapping[str, Setting]
    common: frozenset[str]
    """Those that further ones have from it, where they say nothing."""
    own: str
    """What each has for itself: where it is missing from the first one, that one only says what is common."""


WHATSAPP: Final = Shape(
    "cloud-api",
    {
        "phone_number_id": Setting(str, "104520000000001"),
        "token": Setting(str, "<a token of a system user, which does not expire>"),
        "app_secret": Setting(list, "<the app secret that Meta shows, 32 hex digits>"),
        "verify_token": Setting(str, "<the output of: openssl rand -hex 24>"),
        "api_url": Setting(str, "https://graph.facebook.com"),
        "api_version": Setting(str, "v23.0"),
        "read_marks": Setting(str, "off"),
    },
    frozenset({"token", "app_secret", "verify_token", "api_url", "api_version", "read_marks"}),
    "phone_number_id",
)

TELEGRAM: Final = Shape(
    "bot-api",
    {
        "token": Setting(str, "<what BotFather says: 123456789:AA...>"),
        "secret": Setting(str, "<the output of: openssl rand -hex 24>"),
        "username": Setting(str, "example_bot"),
        "api_url": Setting(str, "https://api.telegram.org"),
    },
    frozenset({"api_url"}),
    "token",
)

CHANNELS: Final = {"whatsapp": WHATSAPP, "telegram": TELEGRAM}

CHATS: Final = (*CHANNELS, "sms")
"""Their tables."""

SMS_COMMON: Final = {
    "sender": Setting(str, "KIKAO"),
    "token": COMMON["token"],
    "allow": COMMON["allow"],
    "api_url": Setting(str, "https://api.example.com"),
}

PUBLIC_URL: Final = Setting(str, "https://chat.example.com")


def variables() -> list[str]:
    """How the variables are called, for whoever misspelt one."""
    found = [f"KIKAO_{channel.upper()}_{key.upper()}" for channel, of in CHANNELS.items() for key in of.keys]
    return [*found, *(f"KIKAO_SMS_<GATEWAY>_{key.upper()}" for key in SMS_COMMON)]


def variable(channel: str, name: str, key: str) -> str:
    """How one is called."""
    of = "" if channel in CHANNELS and name == CHANNELS[channel].slug else f"{name.upper()}_"
    return f"KIKAO_{channel.upper()}_{of}{key.upper()}"


def sms_keys(name: str) -> dict[str, Setting]:
    """The settings of an account."""
    return {**SMS_COMMON, **{option.name: Setting(str, option.example) for option in SMS[name]}}
