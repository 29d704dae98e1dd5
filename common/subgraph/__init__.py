"""The kit every subgraph stands on: Strawberry federation schema, database, auth, events, ASGI shell."""
