"""`kikao telegram`: where Telegram brings a bot's updates."""

from __future__ import annotations

import click

BOT = click.option(
    "--bot", default="bot-api", show_default=True, help="The bot's name in the settings, of several."
)


@click.group()
def telegram() -> None:
    """Telegram bots: where their updates go."""


@telegram.group()
def webhook() -> None:
    """The webhook of a bot: where Telegram brings its updates."""


@webhook.command("set")
@BOT
def set_(bot: str) -> None:
    """Have updates brought to this server, below KIKAO_PUBLIC_URL. What waits comes there, too."""
    from kikao.cli import webhooks

    webhooks.set_webhook(bot)


@webhook.command()
@BOT
def delete(bot: str) -> None:
    """Have updates wait until they are polled for, as a server without KIKAO_TELEGRAM_SECRET does."""
    from kikao.cli import webhooks

    webhooks.delete_webhook(bot)


@webhook.command()
@BOT
def show(bot: str) -> None:
    """Show where updates go, how many wait, and what went wrong last."""
    from kikao.cli import webhooks

    webhooks.show_webhook(bot)
