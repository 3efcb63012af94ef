"""Telegram, by its Bot API: updates by webhook or long polling, messages with inline keyboards, groups apart."""
