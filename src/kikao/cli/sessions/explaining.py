"""`kikao sessions explain` for somebody met: the key they would get, by the server's policies or those of an app."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import structs

from kikao.app import App
from kikao.cli.answers import only
from kikao.cli.reaching import Nobody, carry_out, refuse, try_to_carry_out
from kikao.cli.serving import give_up, load_app
from kikao.cli.sessions.asking import tell
from kikao.control import Ask
from kikao.sessions.operating import CODE
from kikao.sessions.policy import DEFAULTS, Address, MissingIdentifier, key_parts
from kikao.sessions.policy import explain as rules_for
from kikao.sessions.viewing import rules_of
from kikao.sessions.views import EXPLAIN, Explaining, Explanation


class Met(NamedTuple):
    """Where somebody is met, as it was typed."""

    channel: str
    gateway: str
    number: str
    user: str
    code: str
    url: str
    request: str

    @property
    def address(self) -> Address:
        """The same as a gateway would tell it."""
        gateway = self.gateway or ("africastalking" if self.channel == "ussd" else "")
        identity = self.user or self.number
        return Address(self.channel, gateway, identity, self.code, self.number, self.url, self.request)


def explain(met: Met, *, app: str | None, as_json: bool) -> None:
    """Print which key somebody would get, and what lies under it."""
    if met.channel not in DEFAULTS:
        give_up(f"there is no channel {met.channel!r}. There are: {', '.join(DEFAULTS)}")
    if app is None:

        async def work(ask: Ask) -> Explanation:
            return await only(ask, EXPLAIN, Explaining(address=met.address))

        tell(carry_out(work), as_json=as_json)
    else:
        tell(_by_app(load_app(app), met), as_json=as_json)


def _by_app(app: App, met: Met) -> Explanation:
    """By the policies of an app in this process; the key is worked out by whoever has the store."""
    policy, flow, address = app.policies[met.channel], app.engine.entry, met.address
    if policy.wants_code(met.channel) and not met.code:
        refuse(CODE)
    today = Explanation((), "", policy=rules_of(policy, met.channel))
    try:
        rules, parts = rules_for(address, policy, flow=flow), key_parts(address, policy, flow=flow)
    except MissingIdentifier as error:
        return structs.replace(today, problem=str(error))

    async def work(ask: Ask) -> Explanation:
        return await only(ask, EXPLAIN, Explaining(parts=parts))

    try:
        stored = try_to_carry_out(work, app)
    except Nobody as error:
        return structs.replace(
            today, parts=parts, rules=tuple(rules), problem=f"the key is not known: {error}"
        )
    times = stored.policy if stored.policy is not None and stored.id else today.policy
    return structs.replace(stored, rules=tuple(rules), policy=times)
