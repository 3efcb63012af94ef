"""What can be known of an app before anybody dials it: `kikao check` and `kikao replay`."""
