"""What a process knows of presence in one topic, and what it told its clients: pure, without I/O and clock.

    state = State()
    state.asking()                         # what is heard from here on may be newer than the listing
    state.list_anew(listing).diffs         # what the clients have to hear, in order
    state.hear(change).diffs
    if state.is_behind: ...                # something is missing: list anew, unless it comes soon

Two things are true of every history: after a listing of the store, what is shown is what is there; and of each entry
clients hear joins and leaves in turn. Entries of the process itself are shown for as long as it says so, whatever the
store has of them; the owner knows best.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from kikao.channels.socket.protocol import Json
from kikao.live.stores.store import Change, Entry, Listing

META: Final = 8 * 1024
"""Octets of a meta, at most."""

EARLY: Final = 200
"""Changes of a topic that wait for the one before; with more of them nothing but a listing helps."""


class Diff(msgspec.Struct, frozen=True, gc=False):
    """What the clients of a topic have to hear at once: joins first, so that an update makes nobody leave."""

    joins: tuple[Entry, ...] = ()
    leaves: tuple[Entry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.joins or self.leaves)


_SAME: Final = Diff()


class Told(NamedTuple):
    """What came of a change or a listing."""

    diffs: tuple[Diff, ...] = ()
    """One after the other; none is empty."""
    lost: tuple[Entry, ...] = ()
    """Of this process, and not in the store any more: put them again."""


NOTHING: Final = Told()


class State:
    """One topic. `own` are the refs that this process vouches for, `gone` those that it took away and the store may yet
    tell of: both are only looked at."""

    __slots__ = (
        "_by_key",
        "_doubted",
        "_doubtful",
        "_early",
        "_gone",
        "_heard",
        "_own",
        "epoch",
        "version",
    )

    def __init__(self, own: Container[str] = frozenset(), gone: Container[str] = frozenset()) -> None:
        self._own = own
        self._gone = gone
        self._by_key: dict[str, tuple[Entry, ...]] = {}
        self._early: dict[tuple[str, int], Change] | None = None
        """Changes that came before the one before them, or of an epoch that was not listed yet."""
        self._heard: dict[str, int] | None = None
        """By epoch, the highest version that was heard of and is not known."""
        self._doubted = False
        self._doubtful: set[str] | None = None
        """Shown since before the store began anew: they leave with `settle` unless they are put again."""
        self.epoch = ""
        self.version = -1

    @property
    def is_listed(self) -> bool:
        """Whether it was ever listed; before that it shows what is the process's own."""
        return self.version >= 0

    @property
    def is_behind(self) -> bool:
        """Whether the store has, or may have, what is not known here."""
        return self._doubted or self.version < 0 or self._heard is not None

    @property
    def is_doubtful(self) -> bool:
        """Whether some are shown only because they were there before the store began anew."""
        return bool(self._doubtful)

    def __iter__(self) -> Iterator[Entry]:
        """All that are shown, those of a key together, the oldest first."""
        for entries in self._by_key.values():
            yield from entries

    def __contains__(self, entry: Entry) -> bool:
        return any(each.ref == entry.ref for each in self.at(entry.key))

    def at(self, key: str) -> tuple[Entry, ...]:
        """What is shown of a key."""
        return self._by_key.get(key, ())

    # --- of this process ---

    def show(self, entry: Entry, *, replaces: Entry | None = None) -> Diff:
        """An entry of this process is there from now on, in the place of another one."""
        is_new = entry not in self
        self._add(entry)
        left = self._take(replaces) if replaces else None
        return Diff((entry,) if is_new else (), (left,) if left else ())

    def hide(self, entry: Entry) -> Diff:
        """An entry is there no longer."""
        left = self._take(entry)
        return Diff((), (left,) if left else ())

    # --- of the store ---

    def hear(self, change: Change) -> Told:
        """A change, in any order and any number of times. One that says nothing new, or that something happened and not
        what, changes only `is_behind`."""
        if change.epoch == self.epoch and change.version <= self.version:
            return NOTHING
        if not (change.joins or change.leaves):
            self.knows(change.epoch, change.version)
            return NOTHING
        if change.epoch == self.epoch and change.version == self.version + 1:
            self.version += 1
            return self._told([change, *self._due()])
        self.knows(change.epoch, change.version)
        early = self._early = self._early or {}
        if len(early) < EARLY:
            early[change.epoch, change.version] = change
        return NOTHING

    def knows(self, epoch: str, version: int) -> None:
        """The store is at a version: `is_behind` says whether that is further than here."""
        if epoch != self.epoch or version > self.version:
            heard = self._heard = self._heard or {}
            heard[epoch] = max(heard.get(epoch, 0), version)

    def goes_back(self) -> None:
        """The store knows less than it did, in the same epoch: its server failed over to one that lagged behind, and is
        as one that began anew."""
        self.epoch = ""
        self.doubt()

    def doubt(self) -> None:
        """Nothing but a listing says what is there."""
        self._doubted = True

    def asking(self) -> None:
        """The store is asked for a listing. It says all that was heard by now; if none comes, `doubt`."""
        self._doubted, self._heard = False, None
        if self._early:
            self._early = {at: each for at, each in self._early.items() if at[0] == self.epoch} or None

    def list_anew(self, listing: Listing) -> Told:
        """All that the store has; one that is older than what is known says nothing.

        Where the store began anew, what it has not is kept in doubt for a while: its owners put it again.
        """
        if listing.epoch == self.epoch and listing.version < self.version:
            return NOTHING
        # In most topics that are listed nobody is yet.
        diff, lost = self._compared(listing) if listing.entries or self._by_key else (_SAME, ())
        self.epoch, self.version = listing.epoch, listing.version
        later = self._told(self._due())
        return Told(((diff,) if diff else ()) + later.diffs, lost + later.lost)

    def _compared(self, listing: Listing) -> tuple[Diff, tuple[Entry, ...]]:
        """What a listing says that was not known, which is known then; and what it lacks of this process."""
        theirs = [entry for entry in listing.entries if entry.ref not in self._gone]
        refs = {entry.ref for entry in theirs}
        missing = [entry for entry in self if entry.ref not in refs]
        lost = tuple(entry for entry in missing if entry.ref in self._own)
        others = [entry for entry in missing if entry.ref not in self._own]
        doubtful = (self._doubtful or set()) - refs
        if self.is_listed and listing.epoch != self.epoch:
            doubtful.update(entry.ref for entry in others)
        self._doubtful = doubtful or None
        leaves = tuple(entry for entry in others if entry.ref not in doubtful)
        joins = tuple(entry for entry in theirs if self._add(entry))
        for entry in leaves:
            self._take(entry)
        return Diff(joins, leaves), lost

    def settle(self) -> Diff:
        """Who was not put again since the store began anew has left."""
        doubtful, self._doubtful = self._doubtful or set(), None
        leaves = [entry for entry in self if entry.ref in doubtful and entry.ref not in self._own]
        for entry in leaves:
            self._take(entry)
        return Diff((), tuple(leaves))

    def _due(self) -> list[Change]:
        """Those that waited and may be heard now that `version` is known; it is theirs then."""
        due: list[Change] = []
        early = self._early or {}
        while (change := early.pop((self.epoch, self.version + 1), None)) is not None:
            due.append(change)
            self.version += 1
        if early:
            early = {at: each for at, each in early.items() if at[0] != self.epoch or at[1] > self.version}
        self._early = early or None
        if self._heard and self._heard.get(self.epoch, 0) <= self.version:
            self._heard.pop(self.epoch, None)
        self._heard = self._heard or None
        return due

    def _told(self, changes: Sequence[Change]) -> Told:
        if not changes:
            return NOTHING
        diffs: list[Diff] = []
        lost: list[Entry] = []
        for change in changes:
            joins = [entry for entry in change.joins if entry.ref not in self._gone and self._add(entry)]
            leaves: list[Entry] = []
            for entry in change.leaves:
                if entry.ref in self._own:
                    lost.append(entry)
                elif (left := self._take(entry)) is not None:
                    leaves.append(left)
            if diff := Diff(tuple(joins), tuple(leaves)):
                diffs.append(diff)
        return Told(tuple(diffs), tuple(lost))

    # --- what is shown ---

    def _add(self, entry: Entry) -> bool:
        """Whether it was not there."""
        if self._doubtful:
            self._doubtful.discard(entry.ref)
        there = self._by_key.get(entry.key, ())
        if any(each.ref == entry.ref for each in there):
            return False
        # Refs begin with the time: whoever comes later stands behind, in every process.
        self._by_key[entry.key] = tuple(sorted((*there, entry), key=_ref)) if there else (entry,)
        return True

    def _take(self, entry: Entry) -> Entry | None:
        there = self._by_key.get(entry.key, ())
        rest = tuple(each for each in there if each.ref != entry.ref)
        if len(rest) == len(there):
            return None
        if rest:
            self._by_key[entry.key] = rest
        else:
            del self._by_key[entry.key]
        return next(each for each in there if each.ref == entry.ref)


# --- payloads, as the client reads them ---


def listed(entries: Iterable[Entry]) -> Json:
    """`presence_state`, and either half of `presence_diff`: `{key: {"metas": [{…, "phx_ref": …}]}}`.

    The metas of a key are in the order in which they came.
    """
    by_key: dict[str, list[str]] = {}
    for entry in entries:
        by_key.setdefault(entry.key, []).append(_meta(entry))
    keys = (f'{_quoted(key)}:{{"metas":[{",".join(metas)}]}}' for key, metas in by_key.items())
    return Json(f"{{{','.join(keys)}}}")


def told(joins: Json, leaves: Json) -> Json:
    """`presence_diff`: both halves are always there."""
    return Json(f'{{"joins":{joins},"leaves":{leaves}}}')


def write_meta(meta: Mapping[str, Any]) -> bytes:
    """A meta as the store has it: the same metas are the same octets. Members that are the client's own are left out.
    Raises `ValueError` for what is no object of JSON, or has more than `META` octets."""
    try:
        octets = _WRITES.encode(
            {name: meta[name] for name in meta if name not in ("phx_ref", "phx_ref_prev")}
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"a meta is an object of JSON: {error}") from None
    if len(octets) > META:
        raise ValueError(f"a meta of {len(octets)} octets; the most is {META}")
    return octets


def _meta(entry: Entry) -> str:
    """A meta with its ref, and the one that it replaced. It is written as it is, without reading it."""
    said = entry.meta.decode()[1:-1]
    before = f',"phx_ref_prev":{_quoted(entry.before)}' if entry.before else ""
    return f'{{{said}{"," if said else ""}"phx_ref":{_quoted(entry.ref)}{before}}}'


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _ref(entry: Entry) -> str:
    return entry.ref


_WRITES: Final = msgspec.json.Encoder(order="sorted")
