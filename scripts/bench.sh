#!/usr/bin/env bash
# Runs every benchmark program (bench targets with their own main) and prints what docs/performance.md records.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
. scripts/env.sh

say "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(awk '/^MemTotal/ {printf "%d", $2 / 1048576}' /proc/meminfo) GiB, $(date -u +%Y-%m-%d), $(git rev-parse --short HEAD 2>/dev/null || echo 'no commit')"
cargo bench --locked --profile release --workspace --bench merge --bench training --bench worker
say "kernels: transforms beside tfhe-ntt, encryption and sums beside TenSEAL"
cargo bench --locked --profile release --package dream-kernels --bench ntt --bench aggregate
tenseal="$DREAM_CACHE/tenseal-0.3.18"
if [ ! -x "$tenseal/bin/python3" ]; then
    if ! python3 -m venv "$tenseal" || ! "$tenseal/bin/pip" install --quiet tenseal==0.3.18; then rm -rf "$tenseal"; fi
fi
if [ -x "$tenseal/bin/python3" ]; then
    TENSEAL_PYTHON="$tenseal/bin/python3" cargo bench --locked --profile release --package dream-kernels --bench peer
else
    say "skipped: TenSEAL could not be installed; the lines above say why"
fi
say "simulator: rounds a second, detection beside the formula, audit overhead, state of a round"
cargo test --release --locked -p dream-simulator --test sim -- --nocapture mass:: detection:: footprint::
