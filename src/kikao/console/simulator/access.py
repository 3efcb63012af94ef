"""Who may open the simulator, and from which page it may be told to do something.

It acts as any member and shows what they said. So by default it is for programs of this machine that ask by the
machine's own name and past no proxy; and only its own page, told by what browsers say of a request's origin, changes
anything: another site that is open in the same browser does not.
"""

from __future__ import annotations

import msgspec

from kikao.channels.channel import Response
from kikao.channels.edge import Denied, Scope
from kikao.channels.operators import is_local
from kikao.config import Access

LOCAL = "the simulator is for this machine alone: open it here as http://localhost, or set KIKAO_SIMULATOR=everyone"
OTHER_SITE = (
    "the request comes from another site, or does not say from which: the simulator's own page must send it"
)
NOT_JSON = "the content type must be application/json"


class Barred(Denied):
    """A request that is not let in, answered as JSON."""

    @property
    def response(self) -> Response:
        """The reason: whoever develops the app wants to know it."""
        body = msgspec.json.encode({"error": self.reason})
        return Response(self.status, (("content-type", "application/json"), ("connection", "close")), body)


def admit_simulator(scope: Scope, access: Access) -> None:
    """Returns if the request may be answered. Raises `Barred`."""
    if access == "off" or (access == "loopback" and not is_local(scope)):
        raise Barred(403, LOCAL)
    site = _header(scope, b"sec-fetch-site")
    if scope["method"] in ("GET", "HEAD"):
        # A link from elsewhere may lead to the page; what the page asks for is for the page alone.
        if site in ("cross-site", "same-site") and scope["path"].startswith("/simulator/api/"):
            raise Barred(403, OTHER_SITE)
        return
    origin = _header(scope, b"origin")
    if not (site or origin) or site not in ("", "same-origin") or (origin and not _is_own(scope, origin)):
        raise Barred(403, OTHER_SITE)
    if _header(scope, b"content-type").partition(";")[0].strip().lower() != "application/json":
        raise Barred(415, NOT_JSON)


def _is_own(scope: Scope, origin: str) -> bool:
    scheme, _, host = origin.partition("://")
    return scheme in ("http", "https") and host != "" and host.lower() == _header(scope, b"host").lower()


def _header(scope: Scope, name: bytes) -> str:
    """Its one value; of several none is believed."""
    values = [value for each, value in scope["headers"] if each == name]
    if len(values) > 1:
        raise Barred(400, f"the header {name.decode()} is given twice")
    return values[0].decode("latin-1") if values else ""
