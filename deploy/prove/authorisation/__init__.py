"""Who may ask what: every root field, nested paths and `_entities` of every subgraph, each by five callers.

setting     a victim with secrets, and the callers
rows        the table, as data: field, caller by caller, and the request that asks for it
entities    the same for `_entities`, asked of subgraphs directly with a caller's signed context
matrix      asks everything and judges the answers
"""
