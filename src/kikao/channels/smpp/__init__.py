"""SMPP 3.4: what USSD and SMS have in common of it. What writes PDUs is imported only where there is a connection."""
