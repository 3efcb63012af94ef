"""The command line. Each command imports what it needs when it runs, so that `kikao --help` answers at once."""

from __future__ import annotations

from typing import Final

import click

from kikao.cli.audit import audit
from kikao.cli.check import check
from kikao.cli.live import live
from kikao.cli.members import members
from kikao.cli.messages import messages
from kikao.cli.migrate import migrate
from kikao.cli.new import new
from kikao.cli.outbox import outbox
from kikao.cli.replay import replay
from kikao.cli.sessions import sessions
from kikao.cli.telegram import telegram
from kikao.cli.ussd import ussd

DEMOS: Final = {"wallet": "kikao_apps.wallet:app"}
"""What `kikao demo` can run, and where it is."""

HOST = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
PORT = click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="kikao")
def main() -> None:
    """Durable conversations: serve them, try them, talk to them."""


@main.command()
@click.argument("target", metavar="MODULE:APP")
@HOST
@PORT
@click.option("--reload", is_flag=True, help="Start again when the code changes. For development.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Processes that serve. More than one need a store that they can share.",
)
def run(target: str, host: str, port: int, reload: bool, workers: int) -> None:
    """Serve an app. Settings come from the environment and kikao.toml."""
    if reload and workers > 1:
        raise click.UsageError("--reload is for one process: leave --workers out.")
    if workers > 1:
        from kikao.cli.workers import serve_with_workers

        serve_with_workers(target, host, port, workers)
        return
    if reload:
        from kikao.cli.reloading import serve_and_reload

        serve_and_reload(target, host, port)
        return
    from kikao.cli.served import serve

    serve(target, host, port)


@main.command()
@click.argument("name", type=click.Choice(list(DEMOS)), default="wallet")
@HOST
@PORT
def demo(name: str, host: str, port: int) -> None:
    """Serve one of the complete services that come with kikao, and say how to try it."""
    from kikao.cli.served import serve

    serve(DEMOS[name], host, port, welcome=True)


@main.command()
@click.argument("target", metavar="[MODULE:APP]", required=False)
@click.option("--gateway", default="africastalking", show_default=True, help="Gateway to speak.")
@click.option(
    "--as", "number", default="+256772000001", show_default=True, help="The member's number (E.164)."
)
@click.option(
    "--code", help="Service code to dial.  [default: the gateway's first of the settings, else *284#]"
)
@click.option("--locale", help="Language of a new member (with MODULE:APP).")
@click.option("--url", help="Talk to a running server.  [default: http://127.0.0.1:8000]")
@click.option("--token", help="The gateway's secret path token, if the server has one.")
@click.option(
    "--listen",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Port on which a server calls this phone with its screens, where the gateway works so.",
)
@click.option(
    "--record",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Add what is done to this file, as a transcript (with MODULE:APP). Secrets stay blank.",
)
def chat(
    target: str | None,
    gateway: str,
    number: str,
    code: str | None,
    locale: str | None,
    url: str | None,
    token: str | None,
    listen: int | None,
    record: str | None,
) -> None:
    """A phone in the terminal: talk to a running server, or to MODULE:APP in this process."""
    from kikao.cli.phone import talk

    talk(
        target,
        gateway=gateway,
        number=number,
        code=code,
        locale=locale,
        url=url,
        token=token,
        record=record,
        listen=listen,
    )


main.add_command(audit)
main.add_command(check)
main.add_command(live)
main.add_command(members)
main.add_command(messages)
main.add_command(migrate)
main.add_command(new)
main.add_command(outbox)
main.add_command(replay)
main.add_command(sessions)
main.add_command(telegram)
main.add_command(ussd)
