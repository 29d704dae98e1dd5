"""Typed execution: plans run on objects of classes made for them, decoded, joined and encoded without a second look.

A plan that comes again is compiled once more, for one assignment of its guards. Every place in the response gets a
class (`msgspec.Struct`) whose fields are the client's, in the client's order, and those that only later fetches need.
Bodies of subgraphs are decoded into these classes: that a body decodes is the proof that every value has its type and
nothing non-null is null. Entities are joined by setting fields; the answer is encoded from the objects as they are.

    asked.py        a fetch's document -> the fields it asks for, by runtime type
    annotations.py  GraphQL types -> what msgspec is to accept
    place.py        one place: its fields, its class, and how its objects are reached from the root
    build.py        the shape and all fetches -> the tree of places
    sent.py         objects of a place -> representations, each once
    steps.py        root and entity fetches on places; `run.py` is what they work on
    plan.py         all of it: `compile_typed` and `TypedPlan.run`
    replay.py       what was answered already, for the interpreter

Anything unexpected (an error, a wrong type, a missing entity) is a `SurpriseError`: the interpreter then runs the plan
on the answers already here and says what is wrong. So nothing here knows of error messages, and the interpreter remains
the one definition of what is right. Members that nobody asked for are skipped: what only their reader would notice, as
bad UTF-8 in a text, is not noticed here.
"""
