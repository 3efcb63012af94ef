"""A request written into a file: as it is on the wire, or what of it matters alone.

People copy requests out of documents and logs. So whatever the server would not look at may be missing or wrong: the
path (but for what the provider writes behind the gateway's own), the host, the length of the body.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from msgspec.structs import replace

from kikao.channels.ussd.clients.client import Exchange

HOPS: Final = frozenset(
    {"host", "content-length", "connection", "keep-alive", "accept-encoding", "te", "upgrade"}
)
"""Headers that belong to the connection it once came over."""

VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))
"""What a query may have as it is; a file may have more."""


class Unreadable(ValueError):
    """A file that holds no request. The text says why, without a value of it."""


def read_request(octets: bytes, shape: Exchange, rest: re.Pattern[str] | None) -> Exchange:
    """The request in a file. Raises `Unreadable`.

    `shape` is a request as the provider makes one, for what a file without a request line does not say; `rest` is what
    the provider may write in the path behind the gateway's own.
    """
    octets = octets.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if not octets.strip():
        raise Unreadable("it is empty")
    line = _REQUEST_LINE(octets)
    return _bare(octets, shape) if line is None else _whole(octets[line.end() :], line, rest)


def _whole(octets: bytes, line: re.Match[bytes], rest: re.Pattern[str] | None) -> Exchange:
    """Everything behind the request line."""
    end = _EMPTY_LINE(octets)
    head, body = (octets, b"") if end is None else (octets[: end.start()], octets[end.end() :])
    headers: list[tuple[str, str]] = []
    length = -1
    for number, written in enumerate(head.splitlines(), 2):
        name, colon, value = written.decode("latin-1").partition(":")
        if not colon or _TOKEN(name) is None:
            raise Unreadable(
                f"line {number} is no header (name: value). An empty line stands between the headers and the body"
            )
        name, value = name.lower(), value.strip()
        if name == "transfer-encoding":
            raise Unreadable(
                "its body is in chunks (transfer-encoding): write the body plainly, without that header"
            )
        if name == "content-length" and value.isascii() and value.isdigit():
            length = int(value[:9])
        if name not in HOPS:
            headers.append((name, value))
    try:
        target = urlsplit(line["target"].decode("latin-1"))
    except ValueError:
        raise Unreadable("what follows the method in line 1 is no path or URL") from None
    return Exchange(
        path="",
        headers=tuple(headers),
        body=_without_line_end(body, length),
        method=line["method"].decode(),
        query=target.query,
        rest=_behind(target.path, rest),
    )


def _bare(octets: bytes, shape: Exchange) -> Exchange:
    """A body alone, or the query of a gateway that is spoken to by one."""
    if not shape.query:
        return replace(shape, path="", body=_without_line_end(octets))
    text = octets.strip()
    if b"\n" in text:
        raise Unreadable("this gateway is asked by GET: write a request line, or its query alone in one line")
    query = quote(text.rpartition(b"?")[2], safe=VISIBLE)
    return replace(shape, path="", query=query, body=b"")


def _behind(path: str, rest: re.Pattern[str] | None) -> str:
    """What of a path is the provider's own: the longest end that it may write."""
    if rest is None:
        return ""
    parts = path.strip("/").split("/")
    ends = ("/".join(parts[place:]) for place in range(len(parts)))
    return next(filter(rest.fullmatch, ends), "")


def _without_line_end(body: bytes, length: int = -1) -> bytes:
    """A body without the line end that editors add, unless it is counted."""
    if 0 <= length <= len(body):
        return body[:length]
    return body.removesuffix(b"\n").removesuffix(b"\r")


_REQUEST_LINE = re.compile(
    rb"(?P<method>GET|POST|PUT) (?P<target>[!-~]+)(?: HTTP/[0-9.]+)?[ \t]*(?:\r?\n|$)"
).match
_EMPTY_LINE = re.compile(rb"(?:^|(?<=\n))\r?\n").search
_TOKEN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
