"""`kikao members`: what is known of a member, and erasing one."""

from __future__ import annotations

import click

WHO = click.argument("who")


@click.group()
def members() -> None:
    """Members: what is known of them, and erasing them.

    WHO is a number such as +256772000001, an id of a chat such as telegram:12345, or a member id.
    """


@members.command()
@WHO
@click.option("--clear", is_flag=True, help="Show addresses in clear, not masked.")
def show(who: str, clear: bool) -> None:
    """Show what is known of WHO."""
    from kikao.cli import directory

    directory.show(who, clear=clear)


@members.command()
@WHO
def export(who: str) -> None:
    """Write all that the directory stores of WHO as JSON, addresses in clear: not what the services of an app keep."""
    from kikao.cli import directory

    directory.export(who)


@members.command()
@click.argument("target", metavar="MODULE:APP")
@WHO
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(target: str, who: str, yes: bool) -> None:
    """Erase WHO for good: in the services of MODULE:APP, in the sessions and in the directory."""
    from kikao.cli import directory

    directory.erase(target, who, ask=not yes)
