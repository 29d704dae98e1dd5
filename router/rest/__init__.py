"""REST from trusted GraphQL documents: each operation of a folder becomes a route.

    open_face(config, engine) -> RestFace          read, checked, planned ahead; ConfigurationError names file and line
    handle_rest(face, request, face.find(path), path) -> HttpResponse

The document says all of it (`directives.py`): method, path and status stand on the operation, where a value comes from
stands on its variable, and the selection set, with its aliases, is the shape of the answer. Ideas are owed to SOFA
(routes from operations), Hasura's RESTified endpoints (path templates beside saved queries) and Grafbase's trusted
documents; that the whole form is GraphQL itself is ours (docs/decisions/0016).
"""

from router.rest.face import RestFace, open_face
from router.rest.handle import handle_rest

__all__ = ["RestFace", "handle_rest", "open_face"]
