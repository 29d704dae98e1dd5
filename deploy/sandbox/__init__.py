"""The world outside, in one process: a payment provider with its vault, and whoever delivers messages.

It stands for companies that the shop has contracts with, so it shares nothing with the shop but HTTP: its own database,
its own ledger, which is why that can be a witness.
"""
