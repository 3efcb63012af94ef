"""For tests of apps: phones, a clock, deaths, bad moods, and transcripts that are played. Any test runner will do.

A name is loaded when it is first asked for: pytest, which loads the plugin of transcripts with every run, stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kikao.channels.sms.emulator import SmsApi
    from kikao.channels.telegram.emulator import BotApi
    from kikao.channels.whatsapp.emulated.templates import Approved
    from kikao.channels.whatsapp.emulator import CloudApi
    from kikao.testing.clock import Clock
    from kikao.testing.context import Play
    from kikao.testing.mortal import Mortal, ProcessDied
    from kikao.testing.network import over_http, served
    from kikao.testing.phone import Late, Page, Phone
    from kikao.testing.playing import PlayFailed, ScreenDiffers, StepFailed, perform, play
    from kikao.testing.provider import Provider
    from kikao.testing.registry import NAME, step
    from kikao.testing.scene import Scene
    from kikao.testing.services import Mood, Service
    from kikao.testing.stage import Stage
    from kikao.testing.webchat_phone import WebChatPhone
    from kikao.testing.wire import Send, in_process
    from kikao.transcripts import DROPPED

__all__ = [
    "DROPPED",
    "NAME",
    "Approved",
    "BotApi",
    "Clock",
    "CloudApi",
    "Late",
    "Mood",
    "Mortal",
    "Page",
    "Phone",
    "Play",
    "PlayFailed",
    "ProcessDied",
    "Provider",
    "Scene",
    "ScreenDiffers",
    "Send",
    "Service",
    "SmsApi",
    "Stage",
    "StepFailed",
    "WebChatPhone",
    "in_process",
    "over_http",
    "perform",
    "play",
    "served",
    "step",
]

_HOMES = {
    "BotApi": "kikao.channels.telegram.emulator",
    "CloudApi": "kikao.channels.whatsapp.emulator",
    "SmsApi": "kikao.channels.sms.emulator",
    "Approved": "kikao.channels.whatsapp.emulated.templates",
    "Clock": "clock",
    "DROPPED": "phone",
    **dict.fromkeys(("Mortal", "ProcessDied"), "mortal"),
    **dict.fromkeys(("Late", "Page", "Phone"), "phone"),
    "Play": "context",
    **dict.fromkeys(("PlayFailed", "ScreenDiffers", "StepFailed", "perform", "play"), "playing"),
    **dict.fromkeys(("NAME", "step"), "registry"),
    **dict.fromkeys(("Mood", "Service"), "services"),
    "Provider": "provider",
    "Scene": "scene",
    "Stage": "stage",
    "WebChatPhone": "webchat_phone",
    **dict.fromkeys(("over_http", "served"), "network"),
    **dict.fromkeys(("Send", "in_process"), "wire"),
}
"""The module a name lives in, below this one where it has no dot."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kikao.testing' has no attribute {name!r}")
    home = _HOMES[name] if "." in _HOMES[name] else f"kikao.testing.{_HOMES[name]}"
    found = globals()[name] = getattr(importlib.import_module(home), name)
    return found
