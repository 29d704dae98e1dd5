"""Adapters behind `domain.provider`: the provider over HTTP, cash on delivery, and the choice between them."""
