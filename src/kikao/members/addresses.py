"""An address: where a member is met. Its text forms show it masked; only its fields have it in clear."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeGuard, get_args

import msgspec

from kikao.i18n.e164 import is_e164
from kikao.sessions.masking import masked

Kind = Literal["msisdn", "whatsapp", "telegram", "user", "token"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

LONGEST: Final = 256
"""Characters of an identity; providers' ids are shorter."""

_MEMBER_ID = re.compile(r"[0-9a-f]{32}").fullmatch


class MemberAddress(msgspec.Struct, frozen=True):
    """One address of a member: an MSISDN (whatever the channel it was met on), a WhatsApp, Telegram or user id.

    A token is what a provider gives in place of a number: `channel/gateway/token`.
    """

    kind: Kind
    identity: str

    @property
    def masked(self) -> str:
        """What may be shown: `+25677****01`, `telegram:****45`."""
        return masked(self.kind, self.identity)

    @property
    def clear(self) -> str:
        """The whole address, as `parse_who` takes it: `+256772000001`, `telegram:12345`."""
        return self.identity if self.kind == "msisdn" else f"{self.kind}:{self.identity}"

    def __repr__(self) -> str:
        return f"<address {self.masked}>"

    __str__ = __repr__

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("masked", self.masked)]


def address(kind: str, identity: str) -> MemberAddress:
    """An address that can be stored and compared. Raises `ValueError`, which does not show the identity.

    An MSISDN is taken in E.164 only, so that one number has one form. Other identities are taken as they are.
    """
    if not is_kind(kind):
        # Not shown: it is an identity where a caller got the order wrong.
        raise ValueError(f"members: no such kind of address. There are: {', '.join(KINDS)}")
    if kind == "msisdn" and not is_e164(identity):
        raise ValueError("members: an msisdn must be E.164, like +256772000001")
    if not 0 < len(identity.strip()) == len(identity) <= LONGEST or not identity.isprintable():
        raise ValueError(
            f"members: the identity of a {kind} must be 1 to {LONGEST} printable characters, no spaces around"
        )
    return MemberAddress(kind, identity)


def is_kind(text: str) -> TypeGuard[Kind]:
    """Whether there is such a kind of address."""
    return text in KINDS


def is_member_id(text: str) -> bool:
    """Whether a text has the form of a member's id: 32 hexadecimal digits."""
    return _MEMBER_ID(text) is not None


def parse_who(text: str) -> str | MemberAddress:
    """A member's id, or an address written like `+256772000001` or `telegram:12345`.

    Raises `ValueError`, which does not show the text.
    """
    if is_member_id(text):
        return text
    kind, colon, identity = text.partition(":")
    if colon and is_kind(kind):
        return address(kind, identity)
    if text.startswith("+"):
        return address("msisdn", text)
    kinds = ", ".join(f"{kind}:ID" for kind in KINDS if kind != "msisdn")
    raise ValueError(
        f"members: a member is named by a number like +256772000001, by {kinds}, or by a member id"
    )
