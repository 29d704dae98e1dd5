"""GraphQL types of the products subgraph: what can be read, what mutations take and what they answer."""
