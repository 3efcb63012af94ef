"""The simulator in the console: phones on both gateways, with the wallet and with a shop."""
