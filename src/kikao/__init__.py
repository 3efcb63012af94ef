"""Durable conversations over USSD, WhatsApp, Telegram and WebSocket."""
