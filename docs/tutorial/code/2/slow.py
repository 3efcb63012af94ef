from airtime import app, provider

provider.delay = 6

__all__ = ["app"]
