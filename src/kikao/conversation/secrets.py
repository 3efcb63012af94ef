"""Values that must never be seen again: a PIN exists only between the wire and the service that checks it."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn


class Secret:
    """A value with no repr, no format, no pickle, no copy and no encoding. `reveal()` is the only way in.

    Python cannot wipe a `str`; keep a `Secret` in one frame and let it go.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The bare value. Pass it on at once; never keep it."""
        return self.__value

    def matches(self, other: Secret) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __repr__(self) -> str:
        return "<secret>"

    def __dir__(self) -> list[str]:
        return ["matches", "reveal"]  # what walks through an object's attributes does not meet the value

    def __str__(self) -> NoReturn:
        raise TypeError("a Secret has no text form; pass it to the service that checks it")

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("a Secret cannot be formatted into a text")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("compare secrets with matches()")

    __hash__ = None  # type: ignore[assignment]
