"""Sockets, as the official `phoenix` client speaks: Phoenix Channels V2 over WebSocket. What is on them is elsewhere.

The wire is pure (`protocol`, `handshake`, `tokens`, `reasons`); `gateway` makes a conversation's channel of it.
"""
