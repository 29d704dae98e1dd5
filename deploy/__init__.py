"""How the product is started: on one machine (`local/`), in containers, and with its tools around it."""
