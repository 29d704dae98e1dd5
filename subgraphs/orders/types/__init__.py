"""GraphQL types of the orders subgraph: what can be read, and what mutations take and answer."""
