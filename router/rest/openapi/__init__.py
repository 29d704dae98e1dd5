"""Routes to their description: OpenAPI 3.1, whose schemas are JSON Schema 2020-12.

Inputs are described by the types of variables, answers by the selection sets; descriptions are the schema's own. Types
used by several routes are components.
"""

from router.rest.openapi.document import describe

__all__ = ["describe"]
