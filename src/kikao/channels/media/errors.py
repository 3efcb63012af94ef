"""What can be wrong with a file: errors that say what an operator or a flow needs, and nothing of what is in it."""

from __future__ import annotations


class FileError(Exception):
    """Something about a file. The text repeats no address, no name and no content."""

    SAFE = True


class FileGone(FileError):
    """The file is not there any more: it was kept for its days, or went with its member."""


class FileDamaged(FileError):
    """The file does not open: it was cut or changed, or the key that it was sealed with is not set."""


class FilesFull(FileError):
    """There is no room for another file: the cap of the folder is reached, or its disk is full. Nothing was kept."""


class FilesRefused(FileError):
    """The folder of files cannot be used as it is. The text says what to do."""


class NotFetched(FileError):
    """A file did not come. `again` says whether another try may do better."""

    again: bool = False


class TooLarge(NotFetched):
    """It is larger than what is taken, by what was announced or by what came."""

    def __init__(self, most: int) -> None:
        super().__init__(f"larger than {most:,} octets")


class TookTooLong(NotFetched):
    """It was not all there in time."""

    again = True

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not all there in {seconds:g} s")


class NotAllowed(NotFetched):
    """It is where nothing is fetched from."""


class NotAnswered(NotFetched):
    """The connection failed, or broke off."""

    again = True


class Answered(NotFetched):
    """The other side answered, and not with the file. `after` are seconds that it said to wait."""

    def __init__(self, status: int, *, after: float | None = None) -> None:
        super().__init__(f"HTTP {status}{', not followed' if 300 <= status < 400 else ''}")
        self.status = status
        self.after = after
        self.again = status >= 500 or status in (408, 425, 429)


class NotAsAnnounced(NotFetched):
    """What came is not what was announced: another hash, another length, or an answer that cannot be read."""
