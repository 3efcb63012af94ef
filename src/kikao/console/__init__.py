"""Pages for people who build and run an app: the simulator."""
