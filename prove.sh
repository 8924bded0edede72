#!/usr/bin/env bash
# Fuzzes every Fuzz function of the module for N seconds each (default 60), then
# runs the tests that are too long for `make test`.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
failed=0
for dir in $(go list -f '{{.Dir}}' ./...); do
  for name in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go 2>/dev/null | sed 's/^func //' | sort -u); do
    echo "== ${dir#"$PWD"/} $name, ${seconds} s"
    # Without a bound, making inputs smaller takes most of the time from finding them.
    go test -run '^$' -fuzz "^${name}\$" -fuzztime "${seconds}s" -fuzzminimizetime 10x "$dir" || failed=1
  done
done
echo "== long tests"
YAGURA_PROVE=1 go test -timeout 120m ./... || failed=1
exit $failed
