"""Everything on one machine: embedded PostgreSQL and NATS, the router and the subgraphs under one supervisor."""
