"""The other side of each gateway: the requests that a provider sends for a phone."""
