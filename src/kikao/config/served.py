"""What settings lack for whoever serves an app with them: a gateway that is open, a store that its workers share."""

from __future__ import annotations

from collections.abc import Collection

from kikao.config.urls import Where


def deserted(gateways: Collection[str]) -> str:
    """Said where none of these gateways is open."""
    names = " or ".join(f"KIKAO_USSD_{name.upper()}_TOKEN" for name in gateways)
    return f"no gateway is open, so nobody could reach the app. Set {names} to a long random text."


def unshared(store: Where, workers: int) -> str:
    """Said where several workers have no store that they could share; empty where they have."""
    if workers < 2 or store.is_shared:
        return ""
    which = "in memory" if store.kind == "memory" else "in a SQLite file"
    return (
        f"--workers {workers}: sessions are {which} (KIKAO_STORE), which one process has for itself. Leave "
        "--workers out, or set KIKAO_STORE to PostgreSQL (postgresql://…), Redis or Valkey (redis://…)."
    )
