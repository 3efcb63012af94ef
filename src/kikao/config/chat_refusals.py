"""What is refused of chats in the settings: what anybody could post to, or that is a secret of two."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

from kikao.config.accounts import SMS
from kikao.config.called import is_loopback
from kikao.config.chat_shapes import CHANNELS, PUBLIC_URL, SMS_COMMON, variable
from kikao.config.hidden import Hidden
from kikao.config.settings import SmsSettings, TelegramSettings, WhatsAppSettings
from kikao.config.values import is_everyone


class Refusals:
    """Looks at all of them. `problem` hears of each that is refused."""

    def __init__(
        self,
        problem: Callable[[str], None],
        whatsapp: Mapping[str, WhatsAppSettings],
        telegram: Mapping[str, TelegramSettings],
        sms: Mapping[str, SmsSettings],
    ) -> None:
        self._problem = problem
        self._whatsapp = whatsapp
        self._telegram = telegram
        self._sms = sms

    def shared(self, operators: Hidden | None) -> None:
        """What is a secret of two: who has the one knows the other."""
        known = [
            *(
                (variable("whatsapp", name, "verify_token"), own.verify_token)
                for name, own in self._whatsapp.items()
            ),
            *((variable("telegram", name, "secret"), own.secret) for name, own in self._telegram.items()),
            *((variable("sms", name, "token"), own.token) for name, own in self._sms.items()),
        ]
        for name, secret in known:
            if secret is not None and operators is not None and secret.matches(operators):
                self._problem(
                    f"{name}: is also KIKAO_OPERATOR_TOKEN, and the provider knows it. Set another."
                )
        for name, number in self._whatsapp.items():
            if number.verify_token is not None and any(map(number.verify_token.matches, number.app_secrets)):
                self._problem(
                    f"{variable('whatsapp', name, 'verify_token')}: is also the app secret, and it is sent in "
                    "addresses. Set another."
                )
        for (one, mine), (other, theirs) in itertools.combinations(
            [(name, bot.secret) for name, bot in self._telegram.items() if bot.secret is not None], 2
        ):
            if mine.matches(theirs):
                self._problem(
                    f"{variable('telegram', other, 'secret')}: is the secret of {one} as well. Each bot has its own."
                )

    def unsafe(self, public_url: str) -> None:
        """What production refuses besides."""
        for name, number in self._whatsapp.items():
            for key, given in (("app_secret", number.app_secrets), ("verify_token", number.verify_token)):
                if not given:
                    why = (
                        "anybody could post as any member" if key == "app_secret" else "no webhook can be set"
                    )
                    self._lacks("whatsapp", name, key, why)
            self._refuse_plain("whatsapp", name, number.api_url)
        for name, bot in self._telegram.items():
            if bot.secret is None:
                self._lacks(
                    "telegram",
                    name,
                    "secret",
                    "its webhook takes nothing, and polling is for development alone",
                )
            self._refuse_plain("telegram", name, bot.api_url)
        for name, account in self._sms.items():
            connects = any(option.address for option in SMS[name])  # and is called by nobody
            if not connects and account.token is None and (not account.allow or is_everyone(account.allow)):
                self._problem(
                    f"{variable('sms', name, 'token')}, {variable('sms', name, 'allow')}: neither keeps strangers "
                    f"from posting as any member. Set TOKEN to {SMS_COMMON['token'].example}, and give the provider "
                    f"the path /sms/{name}/<token>; or set ALLOW to the provider's networks."
                )
            self._refuse_plain("sms", name, account.api_url)
        if (self._whatsapp or self._telegram) and not public_url.startswith("https://"):
            self._problem(
                "KIKAO_PUBLIC_URL: in chats, members enter what is secret on a page that a link leads to, which has to "
                f"be https. Set for example: KIKAO_PUBLIC_URL={PUBLIC_URL.example}"
            )

    def _lacks(self, channel: str, name: str, key: str, why: str) -> None:
        missing = variable(channel, name, key)
        self._problem(
            f"{missing}: missing, so {why}. Set for example: {missing}={CHANNELS[channel].keys[key].example}"
        )

    def _refuse_plain(self, channel: str, name: str, url: str) -> None:
        host = url.removeprefix("http://")
        if host != url and not is_loopback(_host_of(host)):
            self._problem(
                f"{variable(channel, name, 'api_url')}: http is read and changed by whoever is on the way. Use https."
            )


def _host_of(rest: str) -> str:
    host = rest.partition("/")[0]
    return host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
