"""What `kikao telegram webhook` does. Exits with 2 and the reason when it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Mapping
from typing import Any

import click
import msgspec

from kikao.channels.calling import Unanswered
from kikao.channels.chat.lines import callers
from kikao.channels.telegram.errors import Refused
from kikao.channels.telegram.gateway import TelegramGateway
from kikao.channels.telegram.introducing import webhook
from kikao.channels.telegram.polling import WebhookInfo
from kikao.cli.serving import give_up, load_settings
from kikao.config import Settings, SettingsError


def set_webhook(bot: str) -> None:
    """Have updates brought to the public address of the settings."""
    settings, gateway = _bot(bot)
    secret = gateway.settings.secret
    if secret is None:
        give_up(
            "KIKAO_TELEGRAM_SECRET: missing, so nobody could tell Telegram's requests from others. "
            "Set it, on the server too: openssl rand -hex 24"
        )
    if not settings.public_url:
        give_up("KIKAO_PUBLIC_URL: missing. Set where Telegram reaches this server: https://chat.example.com")
    url = settings.public_url + gateway.path
    _call(gateway, "setWebhook", webhook(url, secret))
    click.echo(f"Telegram brings the updates of {bot} to {url}")


def delete_webhook(bot: str) -> None:
    """Have updates wait."""
    _, gateway = _bot(bot)
    _call(gateway, "deleteWebhook", {"drop_pending_updates": False})
    click.echo(f"{bot} has no webhook: its updates wait until they are polled for")


def show_webhook(bot: str) -> None:
    """Where they go. The path is not shown: that of another program may hold a secret."""
    _, gateway = _bot(bot)
    found = msgspec.json.decode(_call(gateway, "getWebhookInfo", {}), type=WebhookInfo)
    click.echo(f"webhook: {found.host or 'none, updates are polled for'}")
    click.echo(f"waiting: {found.pending_update_count}")
    if found.last_error_date:
        at = dt.datetime.fromtimestamp(found.last_error_date, dt.UTC)
        click.echo(f"last error: {at:%Y-%m-%d %H:%M:%S} UTC, {found.last_error_message}")


def _bot(name: str) -> tuple[Settings, TelegramGateway]:
    settings = load_settings()
    if name not in settings.telegram:
        have = ", ".join(settings.telegram) or "none: set KIKAO_TELEGRAM_TOKEN"
        give_up(f"the settings have no bot called {name}. They have {have}")
    return settings, TelegramGateway(name, settings.telegram[name])


def _call(gateway: TelegramGateway, method: str, parameters: Mapping[str, Any]) -> msgspec.Raw:
    try:
        found = asyncio.run(_called(gateway, method, parameters))
    except SettingsError as error:
        give_up(str(error))
    except Unanswered as error:
        give_up(f"Telegram is not reached: {error}")
    if isinstance(found, Refused):
        give_up(f"Telegram does not take {method}: {found.reason}")
    return found


async def _called(
    gateway: TelegramGateway, method: str, parameters: Mapping[str, Any]
) -> msgspec.Raw | Refused:
    async with contextlib.AsyncExitStack() as stack:
        make = callers({gateway.line: gateway}, stack)[gateway.line]
        return await gateway.api(make).call(method, parameters)
