"""Chats on the simulator's table: WhatsApp and Telegram, through the adapters and the providers that are played."""
