"""The payment provider: vault, payment intents, refunds, webhooks. Its API follows Stripe's, its cards are Stripe's.

routes -> intents, refunds, tokens (each step: lock the row, one statement for state, movement, event, deliveries)
       -> scheduled (banks, disputes, expiries) and deliveries (signed, again and again until they are taken)
"""
