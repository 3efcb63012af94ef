"""Mobilesasa, as it calls."""

from __future__ import annotations

from kikao.channels.ussd.clients.accumulated import AccumulatedClient
from kikao.channels.ussd.gateways.mobilesasa import Mobilesasa


class MobilesasaClient(AccumulatedClient):
    """Form posts with everything typed since the dial, joined by `*`."""

    names = Mobilesasa.names
