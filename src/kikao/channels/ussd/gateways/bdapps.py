"""bdapps (Robi, Bangladesh): `POST /ussd/bdapps`, and screens by `POST` to the provider. The dialect is Ideamart's.

Contract: as of `ideamart`, of which it is the same platform elsewhere; its own address for screens is not known, so it
is a setting. Nothing was checked on a live line.
"""

from __future__ import annotations

from dataclasses import replace

from kikao.channels.ussd.gateways.ideamart import APP_ID, PASSWORD, Ideamart
from kikao.config import Option
from kikao.config.called import check


class Bdapps(Ideamart):
    """The gateway `bdapps`."""

    slug = "bdapps"
    options = (
        APP_ID,
        PASSWORD,
        Option(
            "url",
            "where screens are sent, from the provider",
            "https://developer.bdapps.example/ussd/send",
            check=check,
            required=True,
        ),
    )
    contract = replace(
        Ideamart.contract,
        provider="bdapps",
        places="Bangladesh",
        source="the documentation of Ideamart, whose platform it is; programs that use that",
        wanted=("the address to which screens are sent", *Ideamart.contract.wanted),
    )
