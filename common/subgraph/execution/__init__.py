"""Compiled execution of what the router sends: the same few documents again and again.

In: the text of a query or mutation, its variables, a context. Out: the response, equal to what graphql-core answers.
Strawberry stays the definition of the schema; this is a way to run it. graphql-core decides per field and per value
what it is and how to treat it (10 to 20 us each); here that is decided once per document. What is unusual
(introspection, subscriptions, unknown directives, faulty documents) is left to Strawberry and graphql-core.

`operations.py` is the front door. Source of the idea: graphql-jit (https://github.com/zalando-incubator/graphql-jit).
"""
