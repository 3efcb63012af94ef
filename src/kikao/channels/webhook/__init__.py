"""Webhooks: messages to other systems by HTTP, signed. Receivers check them with `verify`."""

from kikao.channels.webhook.signing import BadSignature, signature, verify

__all__ = ["BadSignature", "signature", "verify"]
