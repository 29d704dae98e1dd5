"""Random REST requests for some minutes: no fault of the server, no answer that breaks the description.

    python -m tests.load.rest_fuzz [--seconds 180] [--seed N]

Starts a shop of its own. The exit status is Schemathesis's.
"""

from __future__ import annotations

import argparse
import sys

from tests.kit.folders import open_folder
from tests.kit.rest_fuzz import fuzz
from tests.kit.started_shop import started_shop


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    with open_folder() as folder, started_shop(folder, is_split=False) as shop:
        done = fuzz(shop.url, seconds=arguments.seconds, seed=arguments.seed)
    sys.stdout.write(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
