"""How input goes wrong: octets that are flipped, cut, doubled and moved, and values that nobody expects."""

from __future__ import annotations

import random
from typing import Any, Final

ODD_TEXTS: Final = (
    "",
    " ",
    "\t\r\n",
    "\0",
    "%",
    "%%%",
    "%0",
    "%zz",
    "+",
    "&",
    "=",
    ";",
    "'; DROP TABLE sessions; --",
    "../../../etc/passwd",
    "${jndi:ldap://x}",
    "{0.__class__}",
    "%s%n%x",
    "<script>",
    "\u202e\u2066",
    "\ufeff",
    "\ud83d",
    "😀" * 20,
    "e\u0301" * 50,
    "ﷺ",
    "١٢٣",
    "½",
    "-0",
    "1e999",
    "NaN",
    "null",
    "true",
    "0x10",
    "9" * 400,
    "*" * 300,
    "#",
    "*284#",
    "1*1*1*1*1*1*1",
    "Ω" * 3000,
    "a" * 5000,
)

ODD_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    2**63,
    10**400,
    1.5,
    float("inf"),
    [],
    {},
    [[[[[]]]]],
    {"a": {"b": {"c": {}}}},
    [1, "a", None],
    *ODD_TEXTS,
)

_SPECIAL: Final = b"\0\t\n\r \"%&'*+-./:;<=>?@[\\]^`{|}~\x7f\x80\xc0\xed\xa0\x80\xef\xbb\xbf\xf0\xfe\xff"


def octets(chance: random.Random, good: bytes) -> bytes:
    """Octets with one to four things wrong with them."""
    spoiled = bytearray(good)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(spoiled) + 1)
        match chance.randrange(9):
            case 0 if spoiled:
                spoiled[at % len(spoiled)] ^= 1 << chance.randrange(8)
            case 1:
                spoiled[at:at] = bytes([chance.choice(_SPECIAL)])
            case 2:
                spoiled[at:at] = chance.randbytes(chance.choice((1, 4, 64)))
            case 3:
                del spoiled[at:]
            case 4:
                del spoiled[at : at + chance.randrange(1, 12)]
            case 5:
                piece = spoiled[at : at + chance.randrange(1, 40)]
                spoiled[at:at] = piece * chance.choice((1, 1, 2, 20))
            case 6:
                spoiled[at:at] = chance.choice(ODD_TEXTS).encode("utf-8", "surrogatepass")
            case 7:
                spoiled = bytearray(reencoded(chance, bytes(spoiled)))
            case _:
                spoiled[:0] = chance.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b"[", b"{", b" "))
    return bytes(spoiled)


def reencoded(chance: random.Random, good: bytes) -> bytes:
    """A text in an encoding that it should not have."""
    text = good.decode("latin-1")
    return text.encode(chance.choice(("utf-16", "utf-16-be", "utf-32", "utf-7", "utf-8")))


def text(chance: random.Random, good: str) -> str:
    """A text like `good`, or one that nobody expects."""
    match chance.randrange(4):
        case 0:
            return chance.choice(ODD_TEXTS)
        case 1:
            return octets(chance, good.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        case 2:
            return good * chance.choice((2, 3, 50))
        case _:
            at = chance.randrange(len(good) + 1)
            return good[:at] + chance.choice(ODD_TEXTS) + good[at:]


def nested(chance: random.Random) -> bytes:
    """JSON deeper than anybody nests, and often without an end."""
    depth = chance.choice((7, 8, 9, 100, 5_000, 20_000))
    opened = chance.choice((b"[", b'{"a":', b"[{", b'{"USERID":['))
    return opened * depth + chance.choice((b"", b"1", b"]" * depth, b"}" * depth))
