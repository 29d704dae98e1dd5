"""Transport: one request to one subgraph, whatever carries it.

In: a `SubgraphRequest` (ready JSON body and headers). Out: a `SubgraphResponse` (status, headers, body bytes) or a
`TransportError`. Start at `open_client.py`; `model.py` holds the seam of one method that fakes implement.
"""
