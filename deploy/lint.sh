#!/bin/sh
# Everything that can be said about the sources without running them. All checks run; the status tells if one failed.
status=0
check() {
  printf '== %s\n' "$*"
  "$@" || status=1
}

no_addresses_in_locks() {
  ! grep -nE '://|--(extra-)?index-url|--find-links' deploy/locks/*.txt && ! grep -n '"resolved"' deploy/web/package-lock.json
}

check ruff check .
check ruff format --check .
check mypy
check lint-imports --no-cache --no-logo
check no_addresses_in_locks
check punnet schema check
exit $status
