"""Members: people behind addresses. Light names here; `kikao.members.directory` loads SQLAlchemy."""

from kikao.members.addresses import KINDS, Kind, MemberAddress, parse_who
from kikao.members.errors import LastAddress, UnknownMember
from kikao.members.known import Known
from kikao.members.reach import No, OnlyTemplate, Reach, Verdict, Yes
from kikao.members.reaches import Reaches
from kikao.members.unlisted import Members, Unlisted

__all__ = [
    "KINDS",
    "Kind",
    "Known",
    "LastAddress",
    "MemberAddress",
    "Members",
    "No",
    "OnlyTemplate",
    "Reach",
    "Reaches",
    "UnknownMember",
    "Unlisted",
    "Verdict",
    "Yes",
    "parse_who",
]
