#!/usr/bin/env bash
# Runs every test and ends with one line: "N passed, N failed, N skipped". Arguments go to `cargo test`, and then only
# the Rust tests that they choose run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
. scripts/env.sh

passed=0 failed=0 skipped=0 built=no
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

# sum FILE PATTERN: the sum of the numbers that PATTERN (a sed expression with one group) finds in FILE.
sum() { sed -n "s/$2/\1/p" "$1" | awk '{total += $1} END {print total + 0}'; }

# count RUNNER STATUS PASSED FAILED SKIPPED: a runner that failed without a failing test did not finish; that is a failure too.
count() {
    local runner=$1 status=$2 failures=$4
    if [ "$status" -ne 0 ] && [ "$failures" -eq 0 ]; then
        say "$runner ended with status $status before all of its tests ran: see above"
        failures=1
    fi
    if [ "$status" -eq 0 ] && [ "$failures" -eq 0 ] && [ "$3" -eq 0 ]; then
        say "$runner ran no test"
        failures=1
    fi
    passed=$((passed + $3)) failed=$((failed + failures)) skipped=$((skipped + $5))
}

rust_tests() {
    local status=0 selection=(--workspace)
    [ $# -eq 0 ] || selection=("$@")
    # Tests start the built programs, and cargo builds a program for its own package's tests only.
    if [ $# -eq 0 ]; then
        cargo build --release --locked --workspace --bins --tests || status=$?
        [ $status -eq 0 ] && built=yes
    fi
    [ $status -ne 0 ] || cargo test --release --locked --no-fail-fast "${selection[@]}" 2>&1 | tee "$log/rust" || status=$?
    touch "$log/rust"
    count "cargo test" "$status" "$(sum "$log/rust" '^test result:.* \([0-9]*\) passed;.*')" \
        "$(sum "$log/rust" '^test result:.* \([0-9]*\) failed;.*')" "$(sum "$log/rust" '^test result:.* \([0-9]*\) ignored;.*')"
}

# Feature `cuda`, with a stand-in for the driver: no GPU is needed.
cuda_tests() {
    local status=0
    cargo test --release --locked --package dream-kernels --features cuda --test cuda_driver 2>&1 | tee "$log/cuda" || status=$?
    count "cargo test --features cuda" "$status" "$(sum "$log/cuda" '^test result:.* \([0-9]*\) passed;.*')" \
        "$(sum "$log/cuda" '^test result:.* \([0-9]*\) failed;.*')" "$(sum "$log/cuda" '^test result:.* \([0-9]*\) ignored;.*')"
}

js_tests() {
    local status=0
    DREAM_NODE="$CARGO_TARGET_DIR/release/dream-node" node --test --test-reporter=tap scripts/js/*.test.mjs 2>&1 | tee "$log/js" || status=$?
    count "node --test" "$status" "$(sum "$log/js" '^# pass \([0-9]*\)$')" "$(sum "$log/js" '^# fail \([0-9]*\)$')" "$(sum "$log/js" '^# skipped \([0-9]*\)$')"
}

docs_tests() {
    local status=0
    scripts/docs.sh 2>&1 | tee "$log/docs" || status=$?
    count "scripts/docs.sh" "$status" "$(sum "$log/docs" '^\([0-9]*\) passed, .*')" "$(sum "$log/docs" '^[0-9]* passed, \([0-9]*\) failed$')" 0
}

rust_tests "$@"
if [ $built = yes ]; then
    cuda_tests
    js_tests
    docs_tests
fi
say "took $SECONDS s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
