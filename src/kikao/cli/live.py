"""`kikao live`: what live sessions need at a developer's desk."""

from __future__ import annotations

import click


@click.group()
def live() -> None:
    """Live sessions: tokens to try them with."""


@live.command()
@click.option("--user", required=True, metavar="ID", help="Whose token it is: 1 to 128 characters.")
@click.option("--key", default="", metavar="KID", help="Key to sign with.  [default: the first that is set]")
@click.option(
    "--seconds", default=3600, show_default=True, type=click.IntRange(min=1), help="How long it is valid."
)
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="Something else that it says; JSON where the value is some, else a text. May be repeated.",
)
@click.option("--yes", is_flag=True, help="In production, too: whoever has the token is that user.")
def token(user: str, key: str, seconds: int, claims: tuple[str, ...], yes: bool) -> None:
    """Print a token for a user. A server with the same settings takes it; none has to run."""
    from kikao.cli.tokens import print_token

    print_token(user, key=key, seconds=seconds, claims=claims, yes=yes)
