"""The oracle: what the right answer is, worked out without planning anything.

From nothing but the SDLs of subgraphs a deterministic universe follows, in which every value is a function of (object,
field, arguments). Two sides answer from it: the subgraphs, each only what it may answer and only if asked properly, and
one schema that has everything. A query through planner and executor must get the same from the first as graphql-core
gets from the second.

    facts       what each subgraph's SDL says          universe    the values
    subgraph    a subgraph as a `SubgraphClient`       monolith    the schema that has everything
    trouble     what goes wrong in single subgraphs    world       composition, router and monolith over one universe
    random_*    made-up supergraphs and operations     shrink      the smallest case that still fails

Subgraphs must not be asked for more than the client selects, either: what nobody needs is a difference, too.
"""
