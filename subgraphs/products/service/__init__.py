"""What the catalogue can do, without GraphQL: read it, edit it, move stock, and hold stock for orders."""
