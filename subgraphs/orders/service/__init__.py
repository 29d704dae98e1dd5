"""What orders can do, without GraphQL: carts, placing, the saga, cancelling, fulfilling, reading."""
