"""Programs that break a law on purpose, to show that the auditor sees it. Nothing in the shop can turn into them."""
