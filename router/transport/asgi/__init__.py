"""Subgraphs in this process: ASGI applications called directly, with no socket and no HTTP bytes.

The application sees ordinary HTTP and WebSocket scopes; context variables of the router's request (trace, deadline)
are visible to it. Exceptions it lets through become a response with status 500, as a server would answer.
"""
