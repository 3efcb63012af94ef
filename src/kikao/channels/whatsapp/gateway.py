"""WhatsApp: numbers of the Cloud API as gateways, and where their webhooks come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from kikao.channels.calling import Make
from kikao.channels.channel import Request, Response
from kikao.channels.chat.gateway import ChatGateway, Entrance, Received
from kikao.channels.chat.message import Message
from kikao.channels.chat.routes import MAX_BODY
from kikao.channels.edge import Denied, Guard
from kikao.channels.inbound import Inbound
from kikao.channels.outbox.sender import Destination
from kikao.channels.whatsapp.attention import Attention
from kikao.channels.whatsapp.calls import LIMITS, Calls, fitted
from kikao.channels.whatsapp.errors import strike
from kikao.channels.whatsapp.files import CloudFiles
from kikao.channels.whatsapp.receiving import CHANNEL, received
from kikao.channels.whatsapp.sender import PACE, WhatsAppSender, paces
from kikao.channels.whatsapp.signing import challenged, signed_with
from kikao.config import Settings
from kikao.config.settings import WhatsAppSettings
from kikao.members.reach import Told

PATH: Final = "/whatsapp"
"""All numbers of an app at Meta share one webhook."""

AT_ONCE: Final = 32
"""Messages on their way from one process: a call takes some 200 to 400 ms."""


class WhatsAppGateway(ChatGateway):
    """A number."""

    channel = CHANNEL
    limits = LIMITS

    def __init__(self, slug: str, settings: WhatsAppSettings) -> None:
        super().__init__(slug)
        self.settings: Final = settings
        self._calls = Calls(settings)
        self._attention: Attention | None = None

    @property
    def api_url(self) -> str:
        """Where it is called."""
        return self.settings.api_url

    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        """What sends its parcels."""
        own = self.settings
        if own.read_marks:
            self._attention = Attention(self._calls, make)
        api = f"{own.api_url}/{own.api_version}"
        files = CloudFiles(make, api, own.phone_number_id, own.token, store=self.files, clock=clock)
        self.provider = files
        sender = WhatsAppSender(self.line, self._calls, self.templates, make, clock, files)
        return Destination(sender=sender, pace=PACE, paces=paces, at_once=AT_ONCE)

    def attend(self, inbound: Inbound) -> Callable[[bool], None] | None:
        """See `ChatGateway.attend`."""
        return None if self._attention is None else self._attention.attend(inbound)

    def closed_by(self, codes: Sequence[int]) -> tuple[Told, str] | None:
        """See `ChatGateway.closed_by`."""
        return strike(codes)

    def pushed(
        self, inbound: Inbound, page: Message, *, ends: bool, until: float, mark: str = "", over: str = ""
    ) -> list[bytes]:
        """See `ChatGateway.pushed`. A message that left cannot be changed here, so nothing is put in place of one."""
        return super().pushed(inbound, fitted(page), ends=ends, until=until, mark=mark)


class WhatsAppEntrance:
    """Where the webhooks of all numbers come in."""

    channel = CHANNEL
    name = "cloud-api"

    def __init__(self, gateways: Sequence[WhatsAppGateway], guard: Guard) -> None:
        self.guard = guard
        self._gateways = tuple(gateways)
        self._tokens = [
            gateway.settings.verify_token for gateway in gateways if gateway.settings.verify_token is not None
        ]
        secrets = [secret for gateway in gateways for secret in gateway.settings.app_secrets]
        self._secrets = list({secret.reveal(): secret for secret in secrets}.values())
        self._all = {gateway.settings.phone_number_id: gateway.slug for gateway in gateways}

    def greet(self, request: Request) -> Response | None:
        """The provider asks whether the webhook is ours. Raises `Denied`."""
        return challenged(request, self._tokens) if request.method == "GET" else None

    def verify(self, request: Request) -> None:
        """Whether an app whose secret is set signed it. Raises `Denied`."""
        if not self._secrets:
            raise Denied(403, "no app secret is set, so that nobody can show who they are")
        signed_with(request, self._secrets)

    def receive(self, request: Request) -> Received:
        """What it holds for numbers of that app: another's secret speaks for none of them. Raises `BadRequest`."""
        return received(request.body, self._numbers(request))

    def _numbers(self, request: Request) -> dict[str, str]:
        if len(self._secrets) == 1:
            return self._all
        by = signed_with(request, self._secrets)
        return {
            gateway.settings.phone_number_id: gateway.slug
            for gateway in self._gateways
            if any(secret.matches(one) for one in by for secret in gateway.settings.app_secrets)
        }


def gateways(settings: Settings) -> list[ChatGateway]:
    """The numbers of the settings."""
    return [WhatsAppGateway(name, own) for name, own in settings.whatsapp.items()]


def entrances(settings: Settings, gateways: Sequence[ChatGateway]) -> dict[str, Entrance]:
    """Their webhook, by its path."""
    guard = Guard(("GET", "POST"), trusted=settings.trusted_proxies, max_body=MAX_BODY)
    numbers = [gateway for gateway in gateways if isinstance(gateway, WhatsAppGateway)]
    return {PATH: WhatsAppEntrance(numbers, guard)}
