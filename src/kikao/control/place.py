"""Where the door is: a Unix socket in the data folder that only its owner may open.

The address of such a socket is short (104 octets on macOS, 108 on Linux, with a final NUL). Where the folder's path is
too long for it, the socket lies in a temporary folder of its own, and a symbolic link in the data folder says where.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

NAME: Final = "control.sock"

LONGEST: Final = 103 if sys.platform == "darwin" else 107
"""Octets of a path that a socket can be reached by: https://man7.org/linux/man-pages/man7/unix.7.html."""

ROOM: Final = "kikao-door-"
"""How the names of folders begin that a socket is made in."""

WAIT: Final = 2.0
"""Seconds for a server to take a connection."""

BACKLOG: Final = 16


class NoDoor(Exception):
    """The socket cannot be made there, or is nobody's to use. The text names a path."""

    SAFE = True


class DoorTaken(NoDoor):
    """Another server of the same folder listens there already."""


Mark = tuple[int, int, str]
"""Which file a path is: its device and number, and for a link where it leads."""


class Place(NamedTuple):
    """A socket that listens, and what has to go with it."""

    door: socket.socket
    path: Path
    """In the data folder."""
    mark: Mark
    """What tells this socket from one that another process put in its place."""
    room: Path | None
    """The temporary folder it lies in."""


def socket_in(folder: Path) -> Path:
    """The path to connect to. It need not exist. Raises `NoDoor` for one that cannot be connected to."""
    path = folder / NAME
    if path.is_symlink():
        path = Path(os.readlink(path))
    if len(os.fsencode(path)) > LONGEST:
        raise NoDoor(f"{path}: no socket can have so long a path")
    return path


def somebody_listens(folder: Path) -> bool:
    """Whether a server takes connections. Raises `NoDoor` where something stands that is no socket of ours."""
    owners = os.geteuid(), folder.stat().st_uid
    try:
        path = socket_in(folder)
        room, found = path.parent.lstat(), path.lstat()
    except FileNotFoundError:
        return False
    except PermissionError as error:
        raise NoDoor(f"{folder} is for user {owners[1]} alone. Run this as that user.") from error
    # A temporary folder may have been swept away, and be a stranger's by now: so could be whoever answers there.
    if path.parent != folder and (room.st_uid not in owners or room.st_mode & 0o022):
        raise NoDoor(f"{path.parent} is not its owner's alone. Remove {folder / NAME}, which leads there.")
    if not stat.S_ISSOCK(found.st_mode):
        raise NoDoor(f"{path} is no socket. Move it away.")
    if found.st_uid not in owners:
        raise NoDoor(f"{path} belongs to another user. Remove it.")
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(WAIT)
        try:
            visitor.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False  # of a process that died
        except TimeoutError:
            return True
        except OSError as error:
            raise NoDoor(f"{path}: {error.strerror}") from error
    return True


def listen(folder: Path) -> Place:
    """A socket in the folder, in place of one whose process died. Raises `NoDoor`."""
    path = folder / NAME
    try:
        if os.path.lexists(path) and not _ours_to_replace(folder):
            raise DoorTaken(f"{path}: another server listens there")
        left = _room_of(path)
        place = _listen(folder, path)
    except OSError as error:
        raise NoDoor(f"{path}: no socket can be made there ({error.strerror or error})") from error
    if left is not None and left != place.room:
        shutil.rmtree(left, ignore_errors=True)
    return place


def stands(place: Place) -> bool:
    """Whether the socket is still the one that is found there: two that begin at the same moment may both have made
    one, and then the last has it."""
    try:
        return _mark(place.path) == place.mark
    except OSError:
        return False


def leave(place: Place) -> None:
    """Close the socket and take away what belongs to it, unless another process has taken its place."""
    with contextlib.suppress(OSError):
        if stands(place):
            place.path.unlink()
    place.door.close()
    if place.room is not None:
        shutil.rmtree(place.room, ignore_errors=True)


def _ours_to_replace(folder: Path) -> bool:
    path = folder / NAME
    if path.is_symlink() and not path.exists():
        return True
    return not somebody_listens(folder)


def _listen(folder: Path, path: Path) -> Place:
    # Bound in a folder that nobody else may enter, and moved when its mode is set: at no time can others connect.
    short = len(os.fsencode(path)) + len(ROOM) + 16 <= LONGEST
    room = Path(tempfile.mkdtemp(prefix=f".{ROOM}" if short else ROOM, dir=folder if short else _near()))
    door = socket.socket(socket.AF_UNIX)
    try:
        bound = room / NAME
        door.bind(os.fspath(bound))
        bound.chmod(0o600)
        door.listen(BACKLOG)
        if short:
            bound.rename(path)
            room.rmdir()
            return Place(door, path, _mark(path), None)
        link = folder / f".{room.name}"
        link.symlink_to(bound)
        link.rename(path)
        return Place(door, path, _mark(path), room)
    except BaseException:
        door.close()
        shutil.rmtree(room, ignore_errors=True)
        raise


def _near() -> str:
    """A temporary folder with a path that is short enough: the machine's own where the configured one's is not."""
    configured = tempfile.gettempdir()
    fits = len(os.fsencode(configured)) + len(ROOM) + len(NAME) + 12 <= LONGEST
    return configured if fits else "/tmp"  # noqa: S108 - a private folder is made in it


def _room_of(path: Path) -> Path | None:
    """The temporary folder that a link of a dead process points into."""
    if not path.is_symlink():
        return None
    room = Path(os.readlink(path)).parent
    with contextlib.suppress(OSError):
        found = room.lstat()
        if room.name.startswith(ROOM) and stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            return room
    return None


def _mark(path: Path) -> Mark:
    # A link's number may be given again at once, to a link of another process; where that leads is another place.
    found = path.lstat()
    return found.st_dev, found.st_ino, os.readlink(path) if stat.S_ISLNK(found.st_mode) else ""
