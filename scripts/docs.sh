#!/usr/bin/env bash
# Holds the pages to the truth: scripts/docs.sh [--static]
#
# Checks every page's links, the tests and messages that pages name, and tables against the code or their formula. Then executes, as they are written, the fenced blocks with the info string `sh test` of README.md,
# docs/*.md and chain-specs/README.md. Prints one line a check and one a block and closes with "N passed, N failed".
# --static leaves the blocks out: they need dream-node and dream-worker in the target directory.
#
# The blocks of one page run in order in one shell, in a copy of the checkout with an empty home folder. Nodes that
# they start get free ports instead of the default ones, and whatever they started is stopped at the page's end.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

# What one page's blocks may take, on a machine that is busy.
PATIENCE_S=900
PROTOCOL=docs/protocol.md
OPERATIONS=docs/operations.md
ROUND_RS=pallets/primitives/src/round.rs
PARAMS_RS=pallets/primitives/src/presets.rs
PRIVATE=docs/private-rounds.md
PRIVATE_RS=pallets/primitives/src/private

blocks=yes
case "${1:-}" in
'') ;;
--static) blocks=no ;;
*) die "unknown argument '$1': only --static is known" ;;
esac

passed=0 failed=0
tmp=$(mktemp -d)
session=

stop_session() {
    [ -n "$session" ] || return 0
    pkill -TERM --session "$session" 2>/dev/null || true
    for _ in $(seq 50); do
        pgrep --session "$session" >/dev/null || break
        sleep 0.2
    done
    pkill -KILL --session "$session" 2>/dev/null || true
    session=
}

clean_up() {
    local status=$?
    trap - EXIT INT TERM
    stop_session
    rm -rf "$tmp"
    exit $status
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# verdict TITLE FILE: a check passes when it wrote nothing into FILE; else FILE is what is wrong.
verdict() {
    if [ -s "$2" ]; then
        failed=$((failed + 1))
        say "FAILED: $1"
        sed 's/^/    /' "$2"
    else
        passed=$((passed + 1))
        say "ok: $1"
    fi
}

mapfile -t pages < <(git ls-files --cached --others --exclude-standard -- '*.md' | while read -r page; do [ ! -f "$page" ] || printf '%s\n' "$page"; done)

# prose FILE: its text without fenced blocks and inline code.
prose() {
    awk '/^ *(```|~~~)/ { fenced = !fenced; next } !fenced { gsub(/`[^`]*`/, ""); print }' "$1"
}

# anchors FILE: the names that its headings have.
anchors() {
    awk '/^ *(```|~~~)/ { fenced = !fenced; next }
        !fenced && /^#+ / { sub(/^#+ +/, ""); line = tolower($0); gsub(/[^a-z0-9 _-]/, "", line); gsub(/ /, "-", line); print line }' "$1"
}

check_links() {
    local page target file anchor
    for page in "${pages[@]}"; do
        while read -r target; do
            case "$target" in
            http://* | https://* | mailto:*) continue ;;
            esac
            file=${target%%#*} anchor=
            [ "$file" = "$target" ] || anchor=${target#*#}
            if [ -n "$file" ]; then
                file=$(dirname "$page")/$file
                if [ ! -e "$file" ]; then
                    echo "$page: $target: there is no such file"
                    continue
                fi
            else
                file=$page
            fi
            if [ -n "$anchor" ] && ! grep -Fxq -- "$anchor" <<<"$(anchors "$file")"; then
                echo "$page: $target: $file has no such heading"
            fi
        done < <(prose "$page" | grep -oE '\]\([^)]+\)' | sed 's/^](//; s/)$//; s/ ".*//')
    done
}

# Every `path.rs::name` (or `path.mjs::words`) in inline code is a test that exists.
# shellcheck disable=SC2016 # those are the marks of inline code
check_named_tests() {
    local page name file test found=0
    for page in "${pages[@]}"; do
        while read -r name; do
            found=$((found + 1))
            file=${name%%::*} test=${name#*::}
            if [ ! -f "$file" ]; then
                echo "$page: $name: there is no file $file"
            elif [ "${file##*.}" = mjs ]; then
                grep -qF -e "test('$test'" -e "test(\"$test\"" "$file" || echo "$page: $name: $file has no such test"
            else
                awk -v name="$test" '
                    /^ *#\[(tokio::)?test/ { marked = 1; next }
                    /^ *(async )?fn / { if (marked && index($0, "fn " name "(")) ok = 1; marked = 0 }
                    END { exit !ok }' "$file" || echo "$page: $name: $file has no such test"
            fi
        done < <(awk '/^ *(```|~~~)/ { fenced = !fenced; next } !fenced' "$page" | grep -oE '`[A-Za-z0-9_./-]+\.(rs|mjs)::[^`]+`' | tr -d '`')
    done
    [ $found -gt 0 ] || echo "no page names a test"
}

# rows NAME PAGE: the rows between `<!-- table: NAME -->` and `<!-- end -->`, less heading and rule; cells by tabs.
rows() {
    awk -v begin="<!-- table: $1 -->" '
        $0 == begin { inside = 1; next }
        $0 == "<!-- end -->" { inside = 0 }
        inside && /^\|/ && ++row > 2 { sub(/^\| */, ""); sub(/ *\|$/, ""); gsub(/ *\| */, "\t"); print }' "$2"
}

# table NAME: rows of the protocol page without code marks.
table() { rows "$1" "$PROTOCOL" | tr -d '`'; }

# transitions NAME FILE: the rows of a table of a source file.
transitions() {
    awk -v name="$1" '
        index($0, "pub const " name ":") { inside = 1; next }
        inside && /^\];/ { exit }
        inside { gsub(/[A-Za-z]+::|[(),]/, ""); print $1 "\t" $2 "\t" $3 }' "$2"
}

# check_transitions NAME PAGE FILE
check_transitions() {
    transitions "$1" "$3" >"$tmp/code"
    rows "$1" "$2" | tr -d '`' | cut -f 1-3 >"$tmp/page"
    [ -s "$tmp/code" ] || echo "$3 has no table $1"
    diff --label "$2" --label "$3" -u "$tmp/page" "$tmp/code" || true
}

# Detection of F of S segments with q audited: 1 - C(S-1-F, q-1) / C(S-1, q-1), in per cent; then after three rounds.
check_detection() {
    table detection | awk -F '\t' '
        function p(s, q, f, i, miss) { miss = 1; for (i = 0; i < q - 1; i++) miss *= (s - 1 - f - i > 0 ? s - 1 - f - i : 0) / (s - 1 - i); return 1 - miss }
        { rows++; one = p($1, $2, $3); want = sprintf("%.1f %%", 100 * one); three = sprintf("%.1f %%", 100 * (1 - (1 - one) ^ 3)); bias = sprintf("%.1f %%", 100 * one * one) }
        $4 != want || $5 != three || $6 != bias { print "S = " $1 ", q = " $2 ", F = " $3 ": the page says " $4 ", " $5 ", " $6 "; the formula gives " want ", " three ", " bias }
        END { if (!rows) print "the page has no table of detection" }'
}

# Values of the two sets of parameters, as the page lists them: name, development, network.
check_parameters() {
    awk '
        function camel(name, out, parts, n, i) { n = split(name, parts, "_"); out = parts[1]; for (i = 2; i <= n; i++) out = out toupper(substr(parts[i], 1, 1)) substr(parts[i], 2); return out }
        function value(text) { gsub(/_|,|;/, "", text); if (text ~ /DREAM \/ /) { sub(/DREAM \/ /, "", text); return (1 / text) " DREAM" } sub(/ \* DREAM/, " DREAM", text); if (text ~ /^ *DREAM *$/) { return "1 DREAM" } return text }
        /pub const fn development\(\)/ { set = 1 }
        /pub const fn network\(\)/ { set = 2; for (k in dev) net[k] = dev[k] }
        /^    }$/ { set = 0 }
        !set { next }
        match($0, /^ *(p\.)?[a-z]+( =|:) [A-Za-z]+Parameters \{/) { section = $1; sub(/^p\./, "", section); sub(/:$/, "", section); next }
        match($0, /^ *p\.[a-z]+\.[a-z_]+ = /) { split($1, at, "."); v = $0; sub(/^[^=]*= /, "", v); net[at[2] "." camel(at[3])] = value(v); next }
        match($0, /^ *[a-z_0-9]+: /) { k = $1; sub(/:$/, "", k); v = $0; sub(/^ *[a-z_0-9]+: /, "", v); k = section "." camel(k); if (set == 1) { dev[k] = value(v); order[++n] = k } else net[k] = value(v) }
        END { for (i = 1; i <= n; i++) print order[i] "\t" dev[order[i]] "\t" net[order[i]] }' "$PARAMS_RS" >"$tmp/code"
    table parameters | cut -f 1-3 >"$tmp/page"
    [ -s "$tmp/code" ] || echo "$PARAMS_RS has no values"
    diff --label "$PROTOCOL" --label "$PARAMS_RS" -u "$tmp/page" "$tmp/code" || true
}

# The messages that the operations page explains are in the code: all parts between dots of each, unless the row says SDK.
# shellcheck disable=SC2016 # the marks of inline code
check_messages() {
    local message part found=0
    while read -r message; do
        found=$((found + 1))
        while read -r part; do
            [ -z "$part" ] || grep -rqF --include='*.rs' -- "$part" node/src runtime/src pallets offchain-worker ||
                echo "$OPERATIONS: no code says '$part'"
        done <<<"${message//.../$'\n'}"
    done < <(rows messages "$OPERATIONS" | cut -f 1 | grep -v '(SDK)' | grep -oE '`[^`]+`' | tr -d '`')
    [ $found -gt 0 ] || echo "$OPERATIONS has no table of messages"
}

# The dispatch errors that the operations page explains are those of a pallet.
# shellcheck disable=SC2016 # the marks of inline code
check_errors() {
    local error pallet found=0
    while read -r error; do
        found=$((found + 1))
        pallet=$(sed 's/\..*//; s/\(.\)\([A-Z]\)/\1-\2/g' <<<"$error" | tr '[:upper:]' '[:lower:]')
        grep -rqE "^ +${error#*.},$" "pallets/$pallet/src/" || echo "$OPERATIONS: $error: pallet-$pallet has no such error"
    done < <(rows errors "$OPERATIONS" | cut -f 1 | grep -v '(SDK)' | grep -oE '`[^`]+`' | tr -d '`')
    [ $found -gt 0 ] || echo "$OPERATIONS has no table of errors"
}

# extract PAGE FOLDER: writes each marked block as FOLDER/N.sh and its line as FOLDER/N.at.
extract() {
    awk -v folder="$2" '
        /^```sh test$/ { n++; inside = 1; print FNR >(folder "/" n ".at"); printf "" >(folder "/" n ".sh"); next }
        /^```/ { inside = 0 }
        inside { print >(folder "/" n ".sh") }' "$1"
}

free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo $port
            return
        fi
    done
    die "no port is free between 20000 and 32000"
}

# The node as the pages call it, on free ports where a page leaves them at their defaults.
write_node() {
    cat >"$1/dream-node" <<WRAPPER
#!/usr/bin/env bash
extra=()
case "\${1:-}" in
--help | -h | --version | -V | [!-]*) ;;
*)
    given=" \$* "
    [[ \$given = *" --rpc-port "* ]] || extra+=(--rpc-port "$2")
    [[ \$given = *" --port "* ]] || extra+=(--port 0)
    [[ \$given = *" --prometheus-port "* || \$given = *" --no-prometheus "* ]] || extra+=(--no-prometheus)
    [[ \$given = *" --no-telemetry "* ]] || extra+=(--no-telemetry)
    [[ \$given = *" --no-mdns "* ]] || extra+=(--no-mdns)
    ;;
esac
exec "$target/dream-node" "\$@" "\${extra[@]}"
WRAPPER
    chmod +x "$1/dream-node"
    ln -s "$target/dream-worker" "$1/dream-worker"
}

run_page() {
    local page=$1 work number total status port
    work=$(mktemp -d "$tmp/page.XXXXXX")
    mkdir "$work/blocks" "$work/bin" "$work/home"
    extract "$page" "$work/blocks"
    total=$(find "$work/blocks" -name '*.sh' | wc -l)
    [ "$total" -gt 0 ] || return 0
    git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
        xargs -0 cp --parents -t "$work/home" --
    port=$(free_port)
    write_node "$work/bin" "$port"
    {
        echo "set -euo pipefail"
        for number in $(seq "$total"); do
            echo "echo $number >'$work/at'; exec >'$work/blocks/$number.log' 2>&1; . '$work/blocks/$number.sh'"
        done
        echo "echo done >'$work/at'"
    } >"$work/session.sh"
    (
        cd "$work/home"
        unset DREAM_KEY DREAM_SURI DREAM_STORE DREAM_STATE XDG_DATA_HOME RUST_LOG
        # shellcheck disable=SC2030 # for the blocks alone
        export HOME="$work/home" PATH="$work/bin:$PATH" DREAM_NODE="ws://127.0.0.1:$port"
        exec setsid timeout --kill-after=20 $PATIENCE_S bash -euo pipefail "$work/session.sh" </dev/null
    ) &
    session=$!
    status=0
    wait "$session" || status=$?
    stop_session
    report_page "$page" "$work" "$total" "$status"
}

report_page() {
    local page=$1 work=$2 total=$3 status=$4 reached number line
    reached=$(cat "$work/at" 2>/dev/null || echo 0)
    for number in $(seq "$total"); do
        line="$page:$(cat "$work/blocks/$number.at")"
        if [ "$reached" = "done" ] || [ "$number" -lt "$reached" ]; then
            passed=$((passed + 1))
            say "ok: $line"
        elif [ "$number" -eq "$reached" ]; then
            failed=$((failed + 1))
            say "FAILED: $line ended with status $status:"
            { cat "$work/blocks/$number.sh"; echo "--- printed:"; tail -n 40 "$work/blocks/$number.log"; } | sed 's/^/    /'
        else
            failed=$((failed + 1))
            say "FAILED: $line: not reached"
        fi
    done
}

check() {
    local title=$1
    shift
    "$@" >"$tmp/offences"
    verdict "$title" "$tmp/offences"
}

check "links of ${#pages[@]} pages" check_links
check "tests that the pages name" check_named_tests
check "transitions of a round" check_transitions ROUND_TABLE "$PROTOCOL" "$ROUND_RS"
check "transitions of a claim" check_transitions CLAIM_TABLE "$PROTOCOL" "$ROUND_RS"
check "transitions of an epoch" check_transitions EPOCH_TABLE "$PRIVATE" "$PRIVATE_RS/committee.rs"
check "transitions of a private round" check_transitions PRIVATE_TABLE "$PRIVATE" "$PRIVATE_RS/round.rs"
check "figures of detection" check_detection
check "chain parameters" check_parameters
check "messages that the pages explain" check_messages
check "dispatch errors that the pages explain" check_errors

if [ $blocks = yes ]; then
    . scripts/env.sh
    target="$CARGO_TARGET_DIR/release"
    for program in dream-node dream-worker; do
        [ -x "$target/$program" ] || die "$target/$program is missing: run make build, or use --static"
    done
    for page in README.md docs/*.md chain-specs/README.md; do
        if [ -f "$page" ]; then run_page "$page"; fi
    done
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
