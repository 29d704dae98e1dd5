"""One digest of everything that databases and schema artefacts depend on: has anything changed since the last start?"""

from __future__ import annotations

import hashlib

from deploy.local.state import ROOT


def sources_digest() -> str:
    """Of our Python sources, supergraph.yaml and the artefacts themselves, by name and content; some 20 ms."""
    digest = hashlib.sha256()
    patterns = ("common/**/*.py", "deploy/**/*.py", "router/**/*.py", "subgraphs/**/*.py", "schema/**/*.graphql")
    for path in sorted([ROOT / "supergraph.yaml", *(path for pattern in patterns for path in ROOT.glob(pattern))]):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()
