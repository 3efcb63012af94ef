"""What the phones on the table dial, and the settings that it is served with."""

from __future__ import annotations

from pathlib import Path

from kikao import App, Chat, Flows, SessionPolicy, t
from kikao.channels.ussd.registry import SLUGS
from kikao.config import Settings, load

GATEWAYS = ("africa-s-talking", "nalo")
CANARY = "7359"
ENTER_PIN = "Enter PIN\n0 Back\n00 Home"


def settings(tmp_path: Path, text: str = "", **environ: str) -> Settings:
    (tmp_path / "kikao.toml").write_text(text, encoding="utf-8")
    return load({f"KIKAO_{name}": value for name, value in environ.items()}, tmp_path, gateways=SLUGS)


def endless(policy: SessionPolicy | None = None) -> App:
    """An app with a long list, which takes whatever is typed."""
    flows = Flows()

    @flows.flow("list")
    async def listing(chat: Chat) -> None:
        while True:
            await chat.choose(
                "which", t("Which?"), {n: t("Something to choose, number {n}", n=n) for n in range(1, 14)}
            )

    return App(flows, entry="list", members=False, policy=policy)
