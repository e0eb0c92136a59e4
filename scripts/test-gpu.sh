#!/usr/bin/env bash
# Tests and measures the CUDA kernels: equality with the scalar backend, the same under compute-sanitizer where there is one, the
# bench. Without a GPU it says "skipped: no GPU" and counts nothing as passed.
#
#   scripts/test-gpu.sh [PROGRAM]
#
# PROGRAM   dream-gpu, built on another machine (default: it is built here). It needs the driver and nothing else: neither Rust nor CUDA.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

program=${1:-}
if [ -z "$program" ]; then
    cd "$ROOT"
    . scripts/env.sh
    cargo build --release --locked --package dream-kernels --features cuda --bin dream-gpu
    program="$CARGO_TARGET_DIR/release/dream-gpu"
fi
[ -x "$program" ] || die "'$program' is no program: build it with 'make test-gpu' on a machine with Rust and copy it here"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$program" --tests 2>&1 | tee "$log" || die "the tests on the GPU failed: see above"
grep -q '^skipped: no GPU' "$log" && exit 0

if have compute-sanitizer; then
    for tool in memcheck racecheck; do
        say "compute-sanitizer: $tool"
        compute-sanitizer --tool $tool --error-exitcode 9 "$program" --tests | tail -n 4 || die "compute-sanitizer ($tool) found faults, or a test failed under it"
    done
else
    say "skipped: no compute-sanitizer on PATH"
fi
"$program" --bench
