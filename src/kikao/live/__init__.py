"""Live sessions: channels, presence and pushes for browsers and apps that hold a connection."""
