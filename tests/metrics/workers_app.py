"""An app for workers that share a data folder: without a directory of members, so that each may keep its sessions."""

from kikao import App, Chat, Flows, Pin, Secret, t

flows = Flows()


@flows.flow("hello")
async def hello(chat: Chat) -> None:
    """Ask for a PIN, and check it nowhere."""
    await chat.secret("pin", Pin(4), t("PIN?"), use=_used)
    await chat.end(t("Hello."))


async def _used(pin: Secret, key: str) -> str:
    return "used"


app = App(flows, entry="hello", members=False)
