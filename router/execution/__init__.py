"""Execution: a query plan, variables and subgraph clients -> the response's data and errors.

    compile_plan(plan, operation, supergraph) -> CompiledPlan     once per operation and plan
    execute(compiled, variables, context) -> ExecutionResult      per request
    subscribe(compiled, variables, context) -> results            per subscription

Two halves. The first runs the plan: `schedule.py` turns its tree into steps with dependencies; `root_step.py` and
`entity_step.py` each run one fetch (`collect.py` finds the objects, `representations.py` writes what is sent of them,
`response.py` reads what comes back, `merge.py` joins it). The second shapes the answer: `shape.py` knows what the
client asked for, `complete.py` makes it exactly by the specification, `generate.py` makes the same with generated code
as long as nothing is out of order.

That is how a plan runs the first time, and whenever anything is unusual. Operations that come again run in `typed/`,
which does both halves at once on objects of classes made for the plan, or says that it cannot.
"""
