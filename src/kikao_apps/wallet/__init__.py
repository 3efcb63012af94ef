"""A mobile-money wallet: `kikao demo wallet`, or `kikao run kikao_apps.wallet:app`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kikao_apps.wallet.service import app

__all__ = ["app"]


def __getattr__(name: str) -> Any:
    # Late, so that the bank can be used without the server around it.
    if name == "app":
        from kikao_apps.wallet.service import app

        return app
    raise AttributeError(name)
