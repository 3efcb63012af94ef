"""The providers' dialects, a file each. Which there are says `kikao.channels.ussd.registry`."""
