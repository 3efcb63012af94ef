"""Notifications of users: stored, told to devices that are connected, and handed over for who is away.

    notifications = Notifications(away=text_them)
    app = App(flows, entry="menu", live=live, notifications=notifications)

    await chat.service(Inbox).push("asha", "loan.due", {"amount": "UGX 50,000"}, key="loan 17 due")

Importing this loads SQLAlchemy.
"""

from kikao.notices.inbox.channel import offer
from kikao.notices.inbox.declared import Away, Notifications
from kikao.notices.inbox.inbox import Inbox
from kikao.notices.inbox.line import Line
from kikao.notices.inbox.notification import Notification, Page, Unread

__all__ = ["Away", "Inbox", "Line", "Notification", "Notifications", "Page", "Unread", "offer"]
