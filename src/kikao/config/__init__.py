"""Settings: what the environment and `kikao.toml` say, checked all at once, as one frozen object.

The environment wins over `kikao.toml` in the working directory. Everything wrong is told in one `SettingsError`, so
that nobody mends settings one restart at a time. Secret values are kept in `Hidden` and shown nowhere.

    KIKAO_DATA=/var/lib/kikao                      data = "/var/lib/kikao"
    KIKAO_TRUSTED_PROXIES=10.0.0.0/8,127.0.0.1     trusted_proxies = ["10.0.0.0/8", "127.0.0.1"]
    KIKAO_USSD_AFRICASTALKING_TOKEN=…              [ussd.africastalking]
                                                   token = "…"
"""

from kikao.config.gateways import Option
from kikao.config.hidden import Hidden, SecretKeys
from kikao.config.jwt import JwtKey, JwtSettings
from kikao.config.loading import load, tenants_named
from kikao.config.media import MediaSettings
from kikao.config.origins import LiveSettings
from kikao.config.settings import (
    Access,
    Environment,
    Network,
    Settings,
    SettingsError,
    SimulatedEndpoint,
    UssdSettings,
)
from kikao.config.tenants import name_wrong as tenant_name_wrong
from kikao.config.urls import MEMORY, Where

__all__ = [
    "MEMORY",
    "Access",
    "Environment",
    "Hidden",
    "JwtKey",
    "JwtSettings",
    "LiveSettings",
    "MediaSettings",
    "Network",
    "Option",
    "SecretKeys",
    "Settings",
    "SettingsError",
    "SimulatedEndpoint",
    "UssdSettings",
    "Where",
    "load",
    "tenant_name_wrong",
    "tenants_named",
]
