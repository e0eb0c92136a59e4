#!/usr/bin/env bash
# Measures the weights of the chain's own pallets and writes runtime/src/weights/<pallet>.rs. Run it on an idle machine.
# Needs frame-omni-bencher (`cargo install frame-omni-bencher --version 0.28.0 --locked`; it builds rocksdb and so
# needs libclang-dev).
#
#   scripts/weights.sh [PALLET...]     default: all six; STEPS (20) and REPEAT (10) set how often each is measured
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
. scripts/env.sh

BENCHER=${FRAME_OMNI_BENCHER:-frame-omni-bencher}
have "$BENCHER" || die "$BENCHER is missing: cargo install frame-omni-bencher --version 0.28.0 --locked, or name it in FRAME_OMNI_BENCHER"

# A runtime with benchmarks shares no artefact with the one that runs: a target directory of its own.
export CARGO_TARGET_DIR="${DREAM_BENCH_TARGET:-$CARGO_TARGET_DIR-benchmarks}"
unset SKIP_WASM_BUILD
cargo build --release --locked -p dream-runtime --features runtime-benchmarks
wasm=$CARGO_TARGET_DIR/release/wbuild/dream-runtime/dream_runtime.compact.compressed.wasm

[ $# -gt 0 ] || set -- pallet_chain_parameters pallet_compute_voting pallet_model_registry pallet_data_registry pallet_useful_work pallet_secure_aggregation
for pallet in "$@"; do
    "$BENCHER" v1 benchmark pallet \
        --runtime "$wasm" --genesis-builder runtime --genesis-builder-preset development \
        --pallet "$pallet" --extrinsic '*' \
        --steps "${STEPS:-20}" --repeat "${REPEAT:-10}" \
        --template scripts/weights.hbs --output "runtime/src/weights/$pallet.rs"
done
cargo fmt -p dream-runtime
