"""What `kikao live token` does. Exits with 2 and the reason when it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
import msgspec

from kikao.channels.socket.tokens import Tokens
from kikao.cli.serving import give_up, standing_settings
from kikao.config import SettingsError
from kikao.opening import refuse_untokened


def print_token(user: str, *, key: str, seconds: int, claims: Iterable[str], yes: bool) -> None:
    """A token on stdout, and nothing else there.

    Production wants `yes`: there the app's own backend says who somebody is, and this would say it without asking who
    they are. With the keys anybody can, so it is a question, and no bar.
    """
    settings = standing_settings()
    if settings.env == "production" and not yes:
        give_up(
            f"this is production: whoever has the token is {user!r}, and it would stand in the terminal. "
            "The app's backend makes tokens. If it is meant: --yes"
        )
    try:
        refuse_untokened(settings, live=True, serves=False)
        tokens = Tokens.of(settings)
        assert tokens is not None  # there are keys, or those of development
        click.echo(tokens.sign(user, seconds, _claims(claims), key=key))
    except (SettingsError, ValueError) as error:
        give_up(str(error))


def _claims(written: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in written:
        name, equals, value = each.partition("=")
        if not equals or not name or name in found:
            raise ValueError(f"--claim {name}: must be NAME=VALUE, each name once")
        try:
            found[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name] = value
    return found
