"""Notices: what is told to members and users without being asked."""
