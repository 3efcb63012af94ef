"""Secret values of the settings: kept as bytes, shown nowhere."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn


class Hidden:
    """A secret value of the settings. It has no text form; `reveal()` is the only way in."""

    __slots__ = ("__value",)

    def __init__(self, value: bytes) -> None:
        self.__value = value

    def reveal(self) -> bytes:
        """The bare value. Pass it on at once."""
        return self.__value

    def matches(self, other: Hidden) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.__value, other.__value)

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Hidden cannot be pickled or copied")


class SecretKeys(Mapping[str, bytes]):
    """Keys of 32 bytes by key id, the first active. Their repr shows the ids only."""

    __slots__ = ("__keys",)

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self.__keys = dict(keys)

    def __getitem__(self, kid: str) -> bytes:
        return self.__keys[kid]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__keys)

    def __len__(self) -> int:
        return len(self.__keys)

    def __repr__(self) -> str:
        return f"<secret keys {', '.join(self.__keys)}>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("SecretKeys cannot be pickled or copied")
