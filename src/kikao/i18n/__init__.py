"""Texts that are translated late, money that fits a phone's alphabet, and the catalogs that translate."""

from kikao.i18n.catalogs import Catalogs
from kikao.i18n.messages import Message, Text, Translate, t, tn
from kikao.i18n.money import Amount, format_amount

__all__ = ["Amount", "Catalogs", "Message", "Text", "Translate", "format_amount", "t", "tn"]
