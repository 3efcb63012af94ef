"""Chats on the simulator's table: phones with WhatsApp and Telegram, and the providers behind them, played."""
