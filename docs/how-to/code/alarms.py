"""What an app does about what happens: it counts where members leave, and tells whoever is on duty."""

from collections import Counter

from paying import flows

from kikao import App
from kikao.events import FlowAbandoned, TurnCommitted, TurnRejected

app = App(flows, entry="pay")

left: Counter[str] = Counter()
"""How often members left, by the question they left at."""


@app.on("flow.abandoned")
def count(event: FlowAbandoned) -> None:
    left[event.at] += 1


class Duty:
    """Stands for a pager, a chat room, an incident system."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def tell(self, text: str) -> None:
        self.told.append(text)


duty = Duty()


@app.on([TurnCommitted, TurnRejected])
async def alarm(event: TurnCommitted | TurnRejected) -> None:
    if event.what in ("failed", "parked", "unavailable", "older_code"):
        await duty.tell(f"{event.gateway}: {event.what} in {event.flow or 'no flow'} ({event.error})")
