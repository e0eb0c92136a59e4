#!/usr/bin/env bash
# Runs every benchmark program (bench targets with their own main) and prints what docs/performance.md records.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
. scripts/env.sh

say "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(awk '/^MemTotal/ {printf "%d", $2 / 1048576}' /proc/meminfo) GiB, $(date -u +%Y-%m-%d), $(git rev-parse --short HEAD 2>/dev/null || echo 'no commit')"
cargo bench --locked --profile release --workspace --bench merge --bench training --bench worker
say "simulator: rounds a second, detection beside the formula, audit overhead, state of a round"
cargo test --release --locked -p dream-simulator --test sim -- --nocapture mass:: detection:: footprint::
