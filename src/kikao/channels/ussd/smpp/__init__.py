"""USSD over SMPP 3.4: one connection to a message centre (SMSC), over which dialogues come and screens go.

`pdu` reads what comes, `alphabets` what is in it, `account` the settings; `connection` is one connection that is bound,
`link` keeps one there. What the messages mean is the gateway's (`gateways/smpp.py`), as of any other.
"""
