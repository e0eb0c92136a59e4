# shellcheck shell=bash
# Shared by the scripts of this folder: source it, do not run it.

# shellcheck disable=SC2034 # used by those who source this
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
DREAM_CACHE="${DREAM_CACHE:-${HOME:?HOME is not set: name a folder in DREAM_CACHE}/.cache/dream}"

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*"; }

die() {
    printf '%s: error: %s\n' "$(basename "$0" .sh)" "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# need_packages WHY COMMAND=PACKAGE...: installs the packages whose command is missing, or says how to and stops.
need_packages() {
    local why=$1 pair missing=()
    shift
    for pair in "$@"; do
        have "${pair%%=*}" || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -eq 0 ] || apt_install "$why" "${missing[@]}"
}

# apt_install WHY PACKAGE...
apt_install() {
    local why=$1
    shift
    local packages=("$@") as_root=()
    have apt-get || die "missing: ${packages[*]} ($why). This is not Debian or Ubuntu: install what corresponds to these packages, then run this again."
    if [ "$(id -u)" -ne 0 ]; then
        if have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            as_root=(sudo)
        else
            die "missing: ${packages[*]} ($why), and this is neither root nor able to use sudo. Run as root, then run this again:
    apt-get update && apt-get install --yes --no-install-recommends ${packages[*]}"
        fi
    fi
    say "apt: ${packages[*]} ($why)"
    "${as_root[@]}" apt-get update -qq >&2 || say "apt-get update failed; trying with the lists there are"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq "${packages[@]}" >/dev/null ||
        die "apt-get could not install ${packages[*]} ($why): the lines above say why"
}
