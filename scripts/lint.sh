#!/usr/bin/env bash
# Formatting, clippy with warnings denied, the shell scripts, and the rules that no tool checks. All of them run; one
# failure fails.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
. scripts/env.sh

failures=0
check() {
    local title=$1 started=$SECONDS
    shift
    if "$@"; then
        say "ok: $title ($((SECONDS - started)) s)"
    else
        say "FAILED: $title"
        failures=$((failures + 1))
    fi
}

mapfile -t scripts < <(git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run)

check "formatting" cargo fmt --all --check
check "shell scripts" shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
check "the project's rules" scripts/rules.sh
# Clippy has build-script outputs of its own, so that skipping the WASM here costs the build nothing.
check "clippy" env SKIP_WASM_BUILD=1 cargo clippy --release --locked --workspace --bins --lib -- -D warnings
check "clippy, kernels with CUDA" cargo clippy --release --locked --package dream-kernels --features cuda --bins --lib --test cuda_driver -- -D warnings
[ $failures -eq 0 ] || die "$failures of the checks failed"
