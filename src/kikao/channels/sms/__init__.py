"""SMS, the companion of USSD: what was not ready in time, notices, and conversations where an app is meant for them."""

from kikao.channels.sms.segments import Segments, segments

__all__ = ["Segments", "segments"]
