#!/usr/bin/env bash
# Rules that neither rustc nor clippy checks. Prints every offence as file:line:text; exits 1 if there is one.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

# About 600; rustfmt spreads long derives over many lines.
MAX_LINES=650
offences=0

offence() {
    printf '%s\n  %s\n' "$2" "rule: $1" >&2
    offences=$((offences + 1))
}

# files PATHSPEC...: tracked and new files, none that git ignores, none that was deleted.
files() {
    local file
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done
}

# forbid RULE PATTERN PATHSPEC...: no line of these files matches the extended expression.
forbid() {
    local rule=$1 pattern=$2 found
    shift 2
    found=$(files "$@" | xargs -r -d '\n' grep -InE -- "$pattern" || true)
    [ -z "$found" ] || offence "$rule" "$found"
}

# The simulator drives the pallets; nothing of it runs in the runtime.
runtime_code=('pallets/**/*.rs' 'runtime/**/*.rs' ':!pallets/simulator/*' ':!*/tests/*' ':!*/tests.rs' ':!*/mock.rs' ':!*/build.rs' ':!*/benches/*')

# forbid_in_runtime RULE PATTERN: as forbid, for the code that runs in the runtime: no comments, nothing from a file's
# first #[cfg(test)] module on.
forbid_in_runtime() {
    local rule=$1 pattern=$2 found
    # shellcheck disable=SC2016 # awk expands them
    found=$(files "${runtime_code[@]}" | xargs -r -d '\n' awk -v pattern="$pattern" '
        FNR == 1 { tests = 0; held = 0 }
        /^#\[cfg\(test\)\]/ { held = 1; next }
        held && /^(pub )?mod [a-z_]+ \{/ { tests = 1 }
        { held = 0; code = $0; sub(/\/\/.*/, "", code) }
        !tests && code ~ pattern { print FILENAME ":" FNR ":" $0 }')
    [ -z "$found" ] || offence "$rule" "$found"
}

# The expressions are split, so that this file does not match itself.
forbid "no path of one machine" '(^|[^A-Za-z0-9_.}])/(ro''ot|ho''me/[a-z]+|wo''rk)/' . ':!*/package-lock.json'
forbid "no registry's host: name the package, its client knows where" '(registry\.npm''js|py''pi|files\.python''hosted|static\.crates|index\.crates)\.(org|io)' . ':!Cargo.lock'
forbid_in_runtime "no floats in runtime code" '(^|[^A-Za-z_])f(32|64)([^A-Za-z0-9_]|$)'
forbid_in_runtime "no casts with as in runtime code" '[ )]as ([ui](8|16|32|64|128|size)|f(32|64))([^A-Za-z0-9_]|$)'
forbid "nothing left open" '(to''do|unimple''mented)!\(' '*.rs'
forbid "no commented-out tests" '^[[:space:]]*//[[:space:]]*#\[(test|tokio::test)\]' '*.rs'

while read -r file; do
    [ "$(head -n 1 "$file")" = "// SPDX-License-Identifier: GPL-3.0-or-later" ] || offence "the first line names the licence" "$file:1:$(head -n 1 "$file")"
    lines=$(wc -l <"$file")
    [ "$lines" -le $MAX_LINES ] || offence "at most $MAX_LINES lines a file: split by responsibility" "$file:$lines:"
done < <(files '*.rs')

[ $offences -eq 0 ] || die "$offences rules broken"
