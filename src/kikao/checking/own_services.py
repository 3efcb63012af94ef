"""The services that kikao gives every app, beside the app's own: a check must know that they are there."""

from __future__ import annotations

from kikao.app import App


def own_services(app: App) -> tuple[type, ...]:
    """Their types, as `chat.service` takes them."""
    from kikao.channels.chat.messages import Messages
    from kikao.channels.chat.proving import Codes
    from kikao.channels.media.files import Files

    found: tuple[type, ...] = (Files, Messages, Codes)
    if app.members:
        from kikao.members.directory import Directory
        from kikao.members.links import Links

        found += (Directory, Links)
    if app.live is not None:
        from kikao.live.hub import Hub

        found += (Hub,)
    if app.notifications is not None:
        from kikao.notices.inbox import Inbox

        found += (Inbox,)
    return found
