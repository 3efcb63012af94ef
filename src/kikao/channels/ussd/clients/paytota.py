"""Paytota, as it calls."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import JSON, Client, Exchange

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class PaytotaClient(Client):
    """JSON with the last answer only, signed once it has a key: the server's settings have only the public one."""

    private_key: RSAPrivateKey | None = None
    """The provider's, for tests. None: requests are not signed, and a server that looks at signatures refuses them."""

    def signs(self) -> str:
        """Sign from now on, with a new key; the public one, as `KIKAO_USSD_PAYTOTA_PUBLIC_KEY` takes it."""
        from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self.private_key = generate_private_key(65537, 2048)
        public = self.private_key.public_key()
        return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange("START", ahead)

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange("CONTINUE", text)

    def hang_up(self) -> Exchange:
        """See `Client.hang_up`."""
        return self._exchange("END", "")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["message"], fields["state"] == "CONTINUE"

    def _exchange(self, state: str, message: str) -> Exchange:
        fields = {
            "shortcode": self.code.strip("*#"),
            "msisdn": self.number.removeprefix("+"),
            "mccmnc": "64101",
            "sessionid": self.dialogue,
            "state": state,
            "message": message,
        }
        body = msgspec.json.encode(fields)
        return Exchange("", (*JSON, *self._signature(body)), body)

    def _signature(self, body: bytes) -> tuple[tuple[str, str], ...]:
        if self.private_key is None:
            return ()
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        signature = self.private_key.sign(body, PKCS1v15(), SHA256())
        return (("signature", base64.b64encode(signature).decode()),)
