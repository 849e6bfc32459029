"""Asks for the gateway's certificate by ACME, and renews it in time; lego speaks the protocol."""
