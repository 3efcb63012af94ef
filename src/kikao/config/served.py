"""What settings lack for whoever serves an app with them: a gateway that is open, a store that its workers share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from kikao.config.urls import Where

_USUAL: Final = ("africastalking", "nalo")
"""The gateways that are named where there are more than `_NAMED`."""

_NAMED: Final = 3


def deserted(gateways: Collection[str]) -> str:
    """Said where none of these USSD gateways is open, and there is no chat, SMS account or JWT key either."""
    all_named = len(gateways) <= _NAMED
    names = " or ".join(f"KIKAO_USSD_{name.upper()}_TOKEN" for name in (gateways if all_named else _USUAL))
    others = "" if all_named else ", or of another gateway,"
    return (
        f"no gateway is open, so nobody could reach the app. Set {names}{others} to a long random text; for chats "
        "KIKAO_TELEGRAM_TOKEN or KIKAO_WHATSAPP_TOKEN, for live sessions and their web chat KIKAO_JWT_KEYS, for SMS "
        "KIKAO_SMS_AFRICASTALKING_USERNAME or KIKAO_SMS_SMPP_HOST, each with what belongs to it."
    )


def unshared(store: Where, workers: int) -> str:
    """Said where several workers have no store that they could share; empty where they have."""
    if workers < 2 or store.is_shared:
        return ""
    which = "in memory" if store.kind == "memory" else "in a SQLite file"
    return (
        f"--workers {workers}: sessions are {which} (KIKAO_STORE), which one process has for itself. Leave "
        "--workers out, or set KIKAO_STORE to PostgreSQL (postgresql://…), Redis or Valkey (redis://…)."
    )
