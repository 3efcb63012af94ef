"""bdapps, as it calls, and as it is called: like Ideamart."""

from __future__ import annotations

from kikao.channels.ussd.clients.ideamart import IdeamartClient


class BdappsClient(IdeamartClient):
    """See `IdeamartClient`."""
