# shellcheck shell=sh
# The environment of every build: `. scripts/env.sh` from inside the checkout, then use cargo as usual.
# What is already set wins.

_dream_root=$(git rev-parse --show-toplevel 2>/dev/null || pwd)
export DREAM_CACHE="${DREAM_CACHE:-$HOME/.cache/dream}"
if [ ! -f "$DREAM_CACHE/env.sh" ]; then
    echo "env.sh: error: $DREAM_CACHE/env.sh is missing: run scripts/setup.sh first" >&2
    return 1
fi
# shellcheck source=/dev/null
. "$DREAM_CACHE/env.sh"
# Outside the checkout, so that a fresh clone finds it warm.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$DREAM_CACHE/target}"
# substrate-wasm-builder would otherwise look for Cargo.lock above the target directory.
export WASM_BUILD_WORKSPACE_HINT="$_dream_root"
unset _dream_root
