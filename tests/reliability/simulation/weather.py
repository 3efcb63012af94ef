"""What goes wrong in a schedule, and how often: drawn from its seed before anything happens.

Each seed has one of a few kinds of weather, since troubles that come together hide one another: a world in which
everything breaks all the time never gets as far as a payment.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances are per request, or per copy of a message; times are seconds."""

    name: str
    deaths: float = 0.0
    """Chance that a life of a worker ends early."""
    death_within: int = 90
    """In so many of its steps at most."""
    stalls: float = 0.0
    """Chance that a life is stopped for a while in the middle (a pause of the machine), longer than a lease."""
    stalled: tuple[float, ...] = (1.0, 6.0, 17.0, 40.0)
    """For so many seconds; a lease takes 15."""
    deaths_in_effects: float = 0.0
    stalls_in_effects: float = 0.0
    """The same, a few steps after an effect was made durable: where the most is at stake."""
    refused: float = 0.0
    """The store takes no request: certainly nothing is stored."""
    lost: float = 0.0
    """A request gets lost on its way to the store: the client only learns that nobody answers."""
    silent: float = 0.0
    """The store's answer gets lost: what was asked for happened."""
    slow: float = 0.0
    """A request or its answer takes longer than the client waits: it may arrive after what came later."""
    bank_lost: float = 0.0
    bank_silent: float = 0.0
    bank_slow: float = 0.0
    tombstones: float = 0.67
    """Chance that the bank refuses a key for ever that it was asked about and does not know."""
    mistakes: float = 0.12
    """Chance that a wrong PIN is typed."""
    screens: tuple[int, ...] = (2, 3, 4, 6)
    """So many a member looks at before the weather clears."""
    single: float = 0.5
    """Chance that a gateway sends answers one by one, and not all that was typed since the dial."""
    impatient: float = 0.6
    """Chance that who gets no answer writes something else, where the line stays open."""
    tries: tuple[int, ...] = (1, 1, 2, 4)
    """How often a gateway sends what nobody answers."""
    timed: float = 0.5
    """Chance that gateways tell when a message was sent. Where machines are stopped they all do: of what lay about
    before a worker saw it nothing else says that it is no answer to the screen of today."""
    copies: float = 0.1
    """Chance that a message is sent a second time meanwhile, by another way."""
    late: float = 0.1
    """Chance that it comes again much later."""
    idle: float = 300.0
    """Without a turn for so long a session is over."""
    changes: float = 0.0
    """Chance that a list in which members choose changes while they look at it."""
    rotates: float = 0.0
    """Chance, at each screen, that the keys of the deployment come a step nearer to being rotated: all workers are
    started anew, first to know the next key, then to seal with it."""
    retention: float = 600.0
    """So long a copy of a message is answered with the reply of the first."""

    @property
    def hurries(self) -> bool:
        """Whether members may type ahead. What lies about before a stopped machine is, without a time, an answer to
        whatever is on the screen when the machine goes on."""
        return not (self.stalls or self.stalls_in_effects)


KINDS: Final = (
    Weather("deaths", deaths=0.9, death_within=70, copies=0.15),
    Weather(
        "impatience", deaths_in_effects=1.0, single=1.0, impatient=1.0, tries=(1,), screens=(9,), timed=0.0
    ),
    Weather("deaths in effects", deaths_in_effects=0.7, bank_slow=0.1, bank_silent=0.1),
    Weather("deaths of many", deaths=0.7, death_within=140, bank_slow=0.3, copies=0.3),
    Weather("network", refused=0.03, lost=0.06, silent=0.06, slow=0.05, copies=0.2),
    Weather("deaths on a bad network", deaths=0.6, lost=0.03, silent=0.04, slow=0.03, bank_silent=0.1),
    Weather("slow bank", bank_slow=0.6, bank_silent=0.15, bank_lost=0.1, copies=0.15),
    Weather("slow bank, deaths", deaths=0.6, bank_slow=0.5, bank_silent=0.15, bank_lost=0.1),
    Weather("gateways", copies=0.6, late=0.5, slow=0.02),
    Weather("stopped machines", timed=1.0, stalls=0.9, copies=0.2, bank_slow=0.15),
    Weather(
        "short lives",
        timed=1.0,
        stalls=0.9,
        stalled=(23.0, 40.0),
        death_within=60,
        slow=0.02,
        late=0.3,
        idle=15.0,
        retention=12.0,
    ),
    Weather(
        "doubts",
        timed=1.0,
        stalls_in_effects=0.8,
        stalled=(17.0, 40.0),
        bank_slow=0.7,
        tombstones=0.0,
        mistakes=0.5,
        screens=(9, 12),
    ),
    Weather("keys rotated", rotates=0.5, late=0.5, copies=0.3, bank_slow=0.2, screens=(4, 6, 9)),
    Weather("lists that change", changes=0.5, deaths=0.3, lost=0.02, silent=0.02, screens=(4, 6, 9)),
    Weather(
        "everything",
        timed=1.0,
        deaths=0.4,
        stalls=0.2,
        refused=0.01,
        lost=0.02,
        silent=0.02,
        slow=0.02,
        bank_lost=0.05,
        bank_silent=0.1,
        bank_slow=0.2,
        copies=0.25,
        late=0.2,
    ),
)


def kind_of(seed: int) -> Weather:
    """The weather of a seed's schedule."""
    return drawn(random.Random(seed))


def drawn(chance: random.Random) -> Weather:
    """The weather of a schedule."""
    return KINDS[int(chance.random() * len(KINDS))]
