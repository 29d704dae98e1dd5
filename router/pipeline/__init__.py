"""One request, step by step: each file is a step, `handle.py` names them in order.

In: an `HttpRequest` or, from a WebSocket, a `GraphQLRequest`. Out: an `HttpResponse`, or results. What lives longer
than a request (schema, plans, clients, counters) is in the `Engine`.
"""
