"""Temporary folders that other accounts may pass through, and in which no card data is left.

pytest's own are private; as root the embedded PostgreSQL runs as `nobody`, who must reach its data.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.card_search import require_no_cards_in_files


@contextmanager
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="punnet-test-"))
    folder.chmod(0o711)
    try:
        yield folder
        require_no_cards_in_files(folder)
    finally:
        shutil.rmtree(folder)
