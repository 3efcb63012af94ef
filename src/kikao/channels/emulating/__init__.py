"""What the emulators of chat providers have in common: moods, deliveries, limits, chats, and the way calls come in."""
