"""Live sessions on several processes, which are killed, paused, cut off and stopped under the clients.

`app` is what is served, `device` a client with models of its own of presence, streams and notifications, `workers` the
processes and what is done to them, `crowd` everybody together and what has to be true, `part` the order of events.
"""
