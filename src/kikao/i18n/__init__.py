"""Texts that are translated late, money and dates that fit a phone's alphabet, and the catalogs that translate."""

from kikao.i18n.catalogs import LIBRARY, Catalogs
from kikao.i18n.dates import Day, Moment
from kikao.i18n.messages import Message, Param, Text, Translate, t, tn
from kikao.i18n.money import Amount, format_amount

__all__ = [
    "LIBRARY",
    "Amount",
    "Catalogs",
    "Day",
    "Message",
    "Moment",
    "Param",
    "Text",
    "Translate",
    "format_amount",
    "t",
    "tn",
]
