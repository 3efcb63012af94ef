"""Web chats on the simulator's table: the widget that sites have, over the app's own sockets."""
