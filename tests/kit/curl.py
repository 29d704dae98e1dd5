"""Stands in for curl, which a machine need not have, in scripts that are run as they stand.

Knows `-s`, `-X`, `-H`, `-d` (`@-` is standard input) and `-w '\\n%{http_code}'`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_SCRIPT = """#!{python}
import sys, urllib.error, urllib.request
arguments = sys.argv[1:]
def given(name):
    return [arguments[at + 1] for at, word in enumerate(arguments) if word == name]
headers = dict(text.split(": ", 1) for text in given("-H"))
url = next(word for word in arguments if word.startswith("http")).replace("localhost:8080", "127.0.0.1:{port}")
body = next((sys.stdin.read() if text == "@-" else text for text in given("-d")), None)
method = next(iter(given("-X")), None)
request = urllib.request.Request(url, None if body is None else body.encode(), headers, method=method)
try:
    answer = urllib.request.urlopen(request)
except urllib.error.HTTPError as refusal:
    answer = refusal
print(answer.read().decode(), end="")
if given("-w"):
    print("\\n" + str(answer.status), end="")
"""


def path_with_curl(folder: Path, port: int) -> Mapping[str, str]:
    """The environment in which `curl` is the stand-in; localhost:8080 is the shop at `port`."""
    curl = folder / "curl"
    curl.write_text(_SCRIPT.format(python=sys.executable, port=port))
    curl.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
