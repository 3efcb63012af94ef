"""The USSD gateways there are, by slug: the name in `/ussd/{gateway}` and in `KIKAO_USSD_{GATEWAY}_TOKEN`.

A gateway is a class in `gateways/`, which reads what the provider sends, and one in `clients/`, which sends it: the
other side, for phones in tests, in the terminal and in the simulator. Each is imported when it is first needed.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, cast

from kikao.channels.ussd.clients.client import Client
from kikao.channels.ussd.gateway import UssdGateway, UssdReader
from kikao.channels.ussd.pages import Budget
from kikao.config import Hidden, Option, UssdSettings


class _Entry(NamedTuple):
    module: str
    """Of both `gateways` and `clients`."""
    gateway: str
    client: str = ""
    unserved: str = ""
    """Why nobody can be served over it, although its requests are understood."""


_ENTRIES: Final[Mapping[str, _Entry]] = {
    "africastalking": _Entry("africastalking", "AfricasTalking", "AfricasTalkingClient"),
    "mobilesasa": _Entry("mobilesasa", "Mobilesasa", "MobilesasaClient"),
    "hellio": _Entry("hellio", "Hellio", "HellioClient"),
    "crossgate": _Entry("crossgate", "Crossgate", "CrossgateClient"),
    "techsavanna": _Entry("techsavanna", "Techsavanna", "TechsavannaClient"),
    "advanta": _Entry("advanta", "Advanta", "AdvantaClient"),
    "safaricom": _Entry("safaricom", "Safaricom", "SafaricomClient"),
    "arkesel": _Entry("arkesel", "Arkesel", "ArkeselClient"),
    "emergent": _Entry("emergent", "Emergent", "EmergentClient"),
    "hubtel": _Entry("hubtel", "Hubtel", "HubtelClient"),
    "moolre": _Entry("moolre", "Moolre", "MoolreClient"),
    "nalo": _Entry("nalo", "Nalo", "NaloClient"),
    "nsano": _Entry("nsano", "Nsano", "NsanoClient"),
    "uzo_korba_txtghana": _Entry("uzo_korba_txtghana", "UzoKorbaTxtGhana", "UzoKorbaTxtGhanaClient"),
    "bdapps": _Entry("bdapps", "Bdapps", "BdappsClient"),
    "ideamart": _Entry("ideamart", "Ideamart", "IdeamartClient"),
    "mtn_madapi": _Entry("mtn_madapi", "MtnMadapi", "MtnMadapiClient"),
    "oneapi": _Entry("oneapi", "OneApi", "OneApiClient"),
    "beem": _Entry("beem", "Beem", "BeemClient"),
    "dmark": _Entry("dmark", "Dmark", "DmarkClient"),
    "hollatags": _Entry("hollatags", "Hollatags", "HollatagsClient"),
    "oltranz": _Entry("oltranz", "Oltranz", "OltranzClient"),
    "ontech": _Entry(
        "ontech",
        "Ontech",
        unserved=(
            "Ontech cannot be served, since nobody knows what the body of its replies has to look like. Leave its "
            "settings out; who has the provider's integration guide can finish the gateway."
        ),
    ),
    "paytota": _Entry("paytota", "Paytota", "PaytotaClient"),
    "wigal": _Entry("wigal", "Wigal", "WigalClient"),
    "comviva_flares": _Entry("comviva_flares", "ComvivaFlares", "ComvivaFlaresClient"),
    "comviva_xml": _Entry("comviva_xml", "ComvivaXml", "ComvivaXmlClient"),
    "truroute": _Entry("truroute", "TruRoute", "TruRouteClient"),
    "aat_vodacom": _Entry("aat_vodacom", "AatVodacom", "AatVodacomClient"),
    "channel_mobile": _Entry("channel_mobile", "ChannelMobile", "ChannelMobileClient"),
    "mtech": _Entry("mtech", "Mtech", "MtechClient"),
    "imimobile": _Entry("imimobile", "ImiMobile", "ImiMobileClient"),
    "cellulant": _Entry("cellulant", "Cellulant", "CellulantClient"),
    "infobip": _Entry("infobip", "Infobip", "InfobipClient"),
    "smpp": _Entry("smpp", "Smpp", "SmppClient"),
}

SLUGS: Final = tuple(slug for slug, entry in _ENTRIES.items() if not entry.unserved)
"""Those that members can be served over."""

UNSERVED: Final = {slug: entry.unserved for slug, entry in _ENTRIES.items() if entry.unserved}
"""Those of which only the requests are known, with the reason in words: no route, no settings, no phone."""

_DEFAULTS: Final = UssdSettings()


class _Options(Mapping[str, Sequence[Option] | str]):
    """The settings of their own that gateways have, by slug; or why there are none, see `UNSERVED`."""

    def __getitem__(self, slug: str) -> Sequence[Option] | str:
        if slug in UNSERVED:
            return UNSERVED[slug]
        return kind(slug).options if slug in _ENTRIES else ()

    def __iter__(self) -> Iterator[str]:
        return iter(_ENTRIES)

    def __len__(self) -> int:
        return len(_ENTRIES)


OPTIONS: Final[Mapping[str, Sequence[Option] | str]] = _Options()


@functools.cache
def kind(slug: str) -> type[UssdReader]:
    """The class of a gateway, or of what only reads. Raises `LookupError` that lists every gateway there is."""
    entry = _entry(slug)
    module = importlib.import_module(f"kikao.channels.ussd.gateways.{entry.module}")
    return cast(type[UssdReader], getattr(module, entry.gateway))


def gateways(settings: Mapping[str, UssdSettings] = {}) -> dict[str, UssdGateway]:
    """One gateway of each kind, by slug, each with its settings."""
    return {slug: gateway(slug, settings.get(slug, _DEFAULTS)) for slug in SLUGS}


def gateway(slug: str, settings: UssdSettings = _DEFAULTS) -> UssdGateway:
    """The gateway of a slug. Raises `LookupError` that lists every one there is, or says why it is none."""
    of = kind(slug)
    if not issubclass(of, UssdGateway):
        raise LookupError(f"ussd: {slug!r} only reads. {UNSERVED[slug]}")
    return of(
        budget=Budget(septets=settings.septets),
        codes=settings.codes,
        region=settings.region,
        options=settings.options,
    )


def reader(slug: str, settings: UssdSettings = _DEFAULTS) -> UssdReader:
    """What reads the requests of a provider, also of one that nobody can be served over. Raises `LookupError`."""
    if slug not in UNSERVED:
        return gateway(slug, settings)
    return kind(slug)(codes=settings.codes, region=settings.region, options=settings.options)


def client(slug: str, number: str, code: str, settings: UssdSettings = _DEFAULTS) -> Client:
    """The provider's side of a gateway, for the phone of one member on one service code.

    `settings` are the server's own, for what the provider has to show there (a key). Raises `LookupError`.
    """
    entry = _entry(slug)
    if entry.unserved:
        raise LookupError(f"ussd: no phone speaks {slug!r}. {entry.unserved}")
    module = importlib.import_module(f"kikao.channels.ussd.clients.{entry.module}")
    return cast(type[Client], getattr(module, entry.client))(number, code, settings)


def example(slug: str) -> UssdSettings:
    """Settings with a code, and with the example of each option: for pages, and for trying a gateway on its own."""
    options = {option.name: Hidden(option.example.encode()) for option in kind(slug).options}
    return UssdSettings(codes=("*284#",), options=options)


def _entry(slug: str) -> _Entry:
    found = _ENTRIES.get(slug)
    if found is None:
        raise LookupError(f"ussd: there is no gateway {slug!r}. There are: {', '.join(SLUGS)}.")
    return found
