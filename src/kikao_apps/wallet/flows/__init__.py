"""The wallet's conversations: `flows`, whose entry is "wallet"."""

from kikao_apps.wallet.flows.menu import flows
from kikao_apps.wallet.flows.support import Support

__all__ = ["Support", "flows"]
