"""Proofs: laws of the shop, an auditor that checks them, and scenarios that try to break them (`punnet prove`)."""
