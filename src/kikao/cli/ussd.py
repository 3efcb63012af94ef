"""`kikao ussd`: a provider's requests, one at a time."""

from __future__ import annotations

import click


@click.group()
def ussd() -> None:
    """USSD gateways: which there are, and how each reads a request."""


@ussd.command("list")
def list_() -> None:
    """List the gateways there are, with what each needs and knows."""
    from kikao.cli.sending import show_gateways

    show_gateways()


@ussd.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--gateway", required=True, help="The gateway it is for: see kikao ussd list.")
@click.option("--url", help="The server to send it to.  [default: http://127.0.0.1:8000]")
@click.option("--token", help="The gateway's secret path token, if the server has one.")
@click.option("--region", help="Country of numbers without a country code (UG), in place of the setting.")
@click.option("--parse-only", is_flag=True, help="Send nothing: show how it is read.")
@click.option("--show-typed", is_flag=True, help="Show what was typed, which may be a PIN.")
def send(
    file: str,
    gateway: str,
    url: str | None,
    token: str | None,
    region: str | None,
    parse_only: bool,
    show_typed: bool,
) -> None:
    """Send the request in FILE to a running server, and show how it is read and what is answered.

    FILE is a request as it is on the wire (request line, headers, an empty line, body), or a body alone, or the query
    of a GET; - is the standard input. Exits with 1 when it is refused.
    """
    from kikao.cli import sending

    sending.send(
        file,
        gateway,
        url=url,
        token=token,
        region=region,
        parse_only=parse_only,
        show_typed=show_typed,
    )
