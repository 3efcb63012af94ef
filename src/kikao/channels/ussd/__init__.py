"""USSD: synchronous screens of a few lines, over the dialects of many gateways."""
