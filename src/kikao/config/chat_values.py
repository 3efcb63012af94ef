"""What a value of a chat's settings may be. Nothing here shows a secret."""

from __future__ import annotations

import re

from kikao.config.called import called
from kikao.config.gateways import LEAST
from kikao.config.hidden import Hidden
from kikao.config.values import Wrong, quoted


def public_url(value: str) -> str:
    """Where this server is reached: without a `/` at the end. Raises `Wrong`."""
    url = called(value)
    if url.query:
        raise Wrong("must not have a query: paths are put behind it")
    if url.path.strip("/") and not _PATH(url.path):
        raise Wrong("has a path with more than a-z, A-Z, 0-9, - and _ between its /")
    return url.geturl().rstrip("/")


def phone_number_id(value: str) -> str:
    if not _NUMBER_ID(value):
        raise Wrong(
            f"{quoted(value)} is no id of a number: 5 to 20 digits, which Meta shows beside the number itself"
        )
    return value


def bearer(value: str) -> Hidden:
    if not _PRINTED(value):
        raise Wrong("must be 20 to 1024 characters of ASCII, without spaces")
    return Hidden(value.encode())


def app_secrets(values: list[str]) -> tuple[Hidden, ...]:
    if not 1 <= len(values) <= 3:
        raise Wrong("must be one text, or up to three while it is being changed")
    if not all(map(_APP_SECRET, values)):
        raise Wrong("must be 16 to 256 letters, digits, - and _: Meta's have 32 hex digits")
    return tuple(Hidden(value.encode()) for value in values)


def verify_token(value: str) -> Hidden:
    if not _APP_SECRET(value):
        raise Wrong(f"must be {LEAST} to 256 letters, digits, - and _")
    return Hidden(value.encode())


def bot_token(value: str) -> Hidden:
    if not _BOT_TOKEN(value):
        raise Wrong("is no token of a bot: digits, a colon, and 20 to 100 letters, digits, - and _")
    return Hidden(value.encode())


def webhook_secret(value: str) -> Hidden:
    """Telegram takes 1 to 256 of these characters (setWebhook, secret_token); too short is guessed."""
    if not _APP_SECRET(value):
        raise Wrong(f"must be {LEAST} to 256 letters, digits, - and _")
    return Hidden(value.encode())


def username(value: str) -> str:
    value = value.removeprefix("@")
    if not _USERNAME(value):
        raise Wrong(f"{quoted(value)} is no name of a bot: 3 to 32 letters, digits and _")
    return value


def api_url(value: str) -> str:
    url = called(value)
    if url.path.strip("/") or url.query:
        raise Wrong("must end behind the host and its port: paths are put behind it")
    return f"{url.scheme}://{url.netloc}"


def api_version(value: str) -> str:
    if not _VERSION(value):
        raise Wrong(f"{quoted(value)} is no version of the Graph API")
    return value


def on_or_off(value: str) -> bool:
    if value not in ("on", "off"):
        raise Wrong(f"must be on or off, not {quoted(value)}")
    return value == "on"


def sender(value: str) -> str:
    if not _SENDER(value):
        raise Wrong(
            f"{quoted(value)} is no sender: a short code or number of up to 20 digits, or 11 characters"
        )
    return value


_NUMBER_ID = re.compile("[0-9]{5,20}").fullmatch
_PRINTED = re.compile("[!-~]{20,1024}").fullmatch
_APP_SECRET = re.compile("[A-Za-z0-9_-]{16,256}").fullmatch
_BOT_TOKEN = re.compile("[0-9]{1,20}:[A-Za-z0-9_-]{20,100}").fullmatch
_USERNAME = re.compile("[A-Za-z0-9_]{3,32}").fullmatch
_VERSION = re.compile("v[0-9]{1,3}[.][0-9]{1,2}").fullmatch
_SENDER = re.compile("[+]?[0-9]{3,20}|[A-Za-z0-9 ._&-]{1,11}").fullmatch
_PATH = re.compile("(/[A-Za-z0-9_-]+)+/?").fullmatch
