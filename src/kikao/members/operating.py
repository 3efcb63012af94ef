"""What operators do with members through the running server: erase one. Looking needs no server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

import msgspec

from kikao.control import Call, CommandRefused, Commands
from kikao.conversation.errors import RefusedError
from kikao.i18n.messages import Translate
from kikao.members.addresses import MemberAddress
from kikao.members.directory import Directory, Forget
from kikao.members.ending import EffectOpen, end_sessions
from kikao.members.errors import UnknownMember
from kikao.records import CommitUnknown, RecordsAway
from kikao.sessions.keeper import Sessions
from kikao.sessions.store import StoreUnavailable

ForgetFiles = Callable[[str], Awaitable[object]]
"""Removes the files that are kept for an id of a member."""


Empty = Callable[[Sessions, tuple[MemberAddress, ...]], Awaitable[object]]
"""Takes what was said out of messages from and to addresses."""


class Erasing(msgspec.Struct, frozen=True):
    """Erase the member of this id."""

    member_id: str


class Erased(msgspec.Struct, frozen=True):
    """The member is erased; `before` if it was done already."""

    before: bool


ERASE: Final = Call("members.erase", Erasing, Erased)


class MemberOperator:
    """Carries out what operators ask. `forget` is the app's hook, `translate` writes why it refuses.

    `empty` takes what was said out of messages from and to addresses. `forget_files` removes the files of a member by
    one of their ids, and is done last.
    """

    def __init__(
        self,
        directory: Directory,
        sessions: Sessions,
        forget: Forget,
        translate: Translate,
        forget_files: ForgetFiles | None = None,
        empty: Empty | None = None,
    ) -> None:
        self._directory = directory
        self._sessions = sessions
        self._forget = forget
        self._translate = translate
        self._forget_files = forget_files
        self._empty = empty

    def offer(self, commands: Commands) -> None:
        """Register everything under its `Call`."""
        commands.add(ERASE, self.erase)

    async def erase(self, asked: Erasing) -> AsyncGenerator[Erased, None]:
        """Erase a member in the app's services, in the sessions and in the directory."""
        try:
            ids = await self._directory.aliases(asked.member_id)
            erased = await self._directory.erase(
                asked.member_id,
                forget=self._forget,
                end_sessions=self._end,
            )
            if self._forget_files is not None:
                for each in ids:
                    await self._forget_files(each)
        except RefusedError as error:
            reason = self._translate(error.text)
            raise CommandRefused(f"the app refuses, and nothing was erased: {reason}") from error
        except (EffectOpen, UnknownMember, RecordsAway, StoreUnavailable) as error:
            raise CommandRefused(str(error)) from error
        except CommitUnknown as error:
            raise CommandRefused(f"{error}. It is safe to do it again.") from error
        except OSError as error:
            raise CommandRefused(
                f"the member is erased, and files of theirs are not: {error.strerror}. Do it again."
            ) from error
        yield Erased(before=not erased)

    async def _end(self, addresses: tuple[MemberAddress, ...]) -> None:
        await end_sessions(self._sessions, addresses)
        if self._empty is not None:
            await self._empty(self._sessions, addresses)
