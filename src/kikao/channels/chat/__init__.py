"""What chats share, whoever carries them: messages with choices, the ladder that lays them out, and what arrives."""
