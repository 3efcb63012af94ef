"""Bodies of `multipart/form-data` (RFC 7578), as providers take files."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

import msgspec

_ESCAPED: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""As browsers do (WHATWG, multipart/form-data encoding algorithm): what RFC 7578, 4.2 leaves open."""


class Field(msgspec.Struct, frozen=True):
    """One field of a form. With a `filename` it is a file; a file's `mime` is octets where none is given."""

    name: str
    data: bytes
    filename: str = ""
    mime: str = ""

    @classmethod
    def text(cls, name: str, value: str) -> Field:
        """A plain field."""
        return cls(name, value.encode())

    def __repr__(self) -> str:
        return f"<a field, {len(self.data)} octets>"


class Form(msgspec.Struct, frozen=True):
    """A body, and the `Content-Type` that goes with it."""

    content_type: str
    body: bytes

    def __repr__(self) -> str:
        return f"<a form, {len(self.body)} octets>"


def form(fields: Iterable[Field]) -> Form:
    """Fields as a body, in their order. Whole in memory: what is sent has a few megabytes.

    Raises `ValueError` for a media type that would be another header.
    """
    parts = list(fields)
    boundary = _boundary(parts)
    lines = b"--" + boundary
    body = bytearray()
    for part in parts:
        body += lines + b"\r\n" + _head(part) + b"\r\n\r\n"
        body += part.data
        body += b"\r\n"
    body += lines + b"--\r\n"
    return Form(f"multipart/form-data; boundary={boundary.decode()}", bytes(body))


def _head(part: Field) -> bytes:
    head = f'Content-Disposition: form-data; name="{part.name.translate(_ESCAPED)}"'
    if part.filename:
        head += f'; filename="{part.filename.translate(_ESCAPED)}"'
    if part.filename or part.mime:
        mime = part.mime or "application/octet-stream"
        if not mime.isascii() or not mime.isprintable():
            raise ValueError("a media type is printable ASCII")
        head += f"\r\nContent-Type: {mime}"
    return head.encode("utf-8", "replace")


def _boundary(parts: Iterable[Field]) -> bytes:
    """What no part has in it, nor could know of before."""
    while True:
        found = b"kikao-" + secrets.token_hex(16).encode()
        if not any(found in part.data for part in parts):
            return found
