#!/usr/bin/env bash
# Runs one network test: scripts/zombienet.sh FILE.zndsl. Whatever it started is stopped at the end, also after Ctrl-C.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if [ $# -ne 1 ] || [ ! -f "$1" ]; then die "name one network test, for example zombienet/smoke.zndsl"; fi
test_file=$(realpath "$1")
cd "$ROOT"
. scripts/env.sh

node="$CARGO_TARGET_DIR/release/dream-node"
[ -x "$node" ] || die "$node is missing: run make build"

work=$(mktemp -d)
runner=
# The runner and its nodes are one session, so that the whole of it can be found again.
stop() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$runner" ]; then
        pkill -TERM --session "$runner" 2>/dev/null || true
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            pgrep --session "$runner" >/dev/null || break
            sleep 1
        done
        pkill -KILL --session "$runner" 2>/dev/null || true
    fi
    if [ $status -eq 0 ]; then
        rm -rf "$work"
    else
        say "the nodes' logs stay in $work"
    fi
    exit $status
}
trap stop EXIT INT TERM

mkdir "$work/bin"
ln -s "$node" "$work/bin/dream-node"
PATH="$work/bin:$PATH" setsid zombienet/node_modules/.bin/zombienet --provider native --dir "$work/network" test "$test_file" &
runner=$!
wait "$runner"
