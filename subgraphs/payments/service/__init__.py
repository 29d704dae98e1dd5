"""What payments can do, without GraphQL: pay, refund, settle what the provider says, and read."""
