"""What is asked of the simulator over HTTP, checked, and how it answers."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from kikao.channels.channel import Request, Response
from kikao.console.simulator.problems import Problem

POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "img-src 'self' data:"
)
"""Content-Security-Policy: only what comes from here, nothing written into the page, in no frame."""

SAFE: Final = (
    ("cache-control", "no-store"),
    ("content-security-policy", POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)

T = TypeVar("T")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request that says all with its address."""


def expect(request: Request, *methods: str) -> None:
    """Raises `Problem` for another method."""
    if request.method not in methods:
        raise Problem(405, f"that is for {' and '.join(methods)}")


def read(request: Request, kind: type[T]) -> T:
    """What is asked, checked. The error names fields and types, never a value."""
    try:
        return msgspec.json.decode(request.body or b"{}", type=kind)
    except msgspec.DecodeError as problem:  # a ValidationError is one
        unknown = "unknown field" in str(problem)  # whose name may be anything
        why = "it has a field that there is not" if unknown else str(problem)
        raise Problem(400, f"not what is expected here: {why}") from None
    except (RecursionError, UnicodeError):
        raise Problem(400, "not what is expected here") from None


def as_json(content: object, status: int = 200) -> Response:
    """An answer."""
    return Response(status, (("content-type", "application/json"), *SAFE), _ENCODER.encode(content))


_ENCODER: Final = msgspec.json.Encoder()
