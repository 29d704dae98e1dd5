"""A lean HTTP/1.1 client for one origin: connections kept alive, one request at a time on each.

Written for the router's hot path: measured on one core, a call through aiohttp costs about 70 µs of CPU, through this
one about 15 (`tests/load/client_cost.py`). It does what calls to a GraphQL subgraph need and no more: POST, TLS, unix
sockets, content-length and chunked bodies, no redirects, no cookies, no content encodings (it asks for none).
"""
