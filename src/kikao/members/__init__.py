"""Members: people behind addresses. Light names here; `kikao.members.directory` loads SQLAlchemy."""

from kikao.members.addresses import KINDS, Kind, MemberAddress, parse_who
from kikao.members.errors import LastAddress, UnknownMember
from kikao.members.known import Known
from kikao.members.unlisted import Members, Unlisted

__all__ = [
    "KINDS",
    "Kind",
    "Known",
    "LastAddress",
    "MemberAddress",
    "Members",
    "UnknownMember",
    "Unlisted",
    "parse_who",
]
