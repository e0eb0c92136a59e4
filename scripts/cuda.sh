#!/usr/bin/env bash
# Compiles kernels/cuda/rlwe.cu to rlwe.fatbin and writes rlwe.hashes, which a test compares with both.
#
#   scripts/cuda.sh [--check]
#
# --check compiles into a temporary folder and compares with what is committed; nothing is written.
# NVCC   the compiler to use (default: nvcc of the version below where it is on PATH, else NVIDIA's packages, downloaded by pip into DREAM_CACHE)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=13.0.88
TOOLKIT="$DREAM_CACHE/cuda-$VERSION"
FOLDER="$ROOT/kernels/cuda"
# Code for A100 and H100/H200; PTX for what is newer than sm_80 and not sm_90. Compressed, the file is a quarter.
OPTIONS=(-std=c++17 -O3 -fatbin --compress-mode=size -gencode 'arch=compute_80,code=[sm_80,compute_80]' -gencode 'arch=compute_90,code=sm_90')

check=no
case "${1:-}" in
'') ;;
--check) check=yes ;;
*) die "unknown argument '$1': --check is known" ;;
esac

version_of() { "$1" --version | sed -n 's/.* V\([0-9.]*\)$/\1/p'; }

toolkit() {
    [ -f "$TOOLKIT/complete" ] && return
    [ "$(uname -m)" = x86_64 ] || die "this is $(uname -m): nvcc can be downloaded for x86_64 only. Set NVCC to an nvcc $VERSION of your own."
    need_packages "unpacks nvcc, which needs a C++ compiler" g++=g++ unzip=unzip
    python3 -m pip --version >/dev/null 2>&1 || apt_install "pip fetches nvcc" python3-pip
    say "pip: nvcc $VERSION (120 MB to download)"
    mkdir -p "$DREAM_CACHE"
    rm -rf "$TOOLKIT".*
    local new wheel
    new=$(mktemp -d "$TOOLKIT.XXXXXX")
    TMPDIR="$new" python3 -m pip download --quiet --no-cache-dir --no-deps --require-hashes --only-binary=:all: --platform manylinux_2_17_x86_64 \
        --platform manylinux2014_x86_64 --platform manylinux_2_12_x86_64 --platform manylinux2010_x86_64 --dest "$new/wheels" --requirement "$ROOT/scripts/cuda.txt" ||
        die "pip could not download nvcc: the lines above say why. Set NVCC if you have one."
    for wheel in "$new"/wheels/*.whl; do unzip -q -o "$wheel" 'nvidia/*' -d "$new"; done
    # unzip does not restore the run bits of these wheels.
    chmod +x "$new"/nvidia/cu13/bin/* "$new"/nvidia/cu13/nvvm/bin/*
    rm -rf "$new/wheels"
    touch "$new/complete"
    rm -rf "$TOOLKIT"
    mv "$new" "$TOOLKIT"
}

if [ -n "${NVCC:-}" ]; then
    have "$NVCC" || die "NVCC is '$NVCC', which cannot be run: correct it, or unset it to have nvcc downloaded"
elif have nvcc && [ "$(version_of nvcc)" = $VERSION ]; then
    NVCC=nvcc
else
    toolkit
    NVCC="$TOOLKIT/nvidia/cu13/bin/nvcc"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Its own folder and a relative name, so that no path of this machine is compiled in.
cd "$FOLDER"
"$NVCC" "${OPTIONS[@]}" -o "$work/rlwe.fatbin" rlwe.cu
{
    LC_ALL=C
    printf '# BLAKE2b-256 of what rlwe.fatbin was compiled from, and of itself. Written by scripts/cuda.sh, read by kernels/tests/fatbin.rs.\n'
    printf '# nvcc %s %s\n' "$(version_of "$NVCC")" "${OPTIONS[*]}"
    b2sum --length 256 -- *.cu *.cuh
    (cd "$work" && b2sum --length 256 rlwe.fatbin)
} >"$work/rlwe.hashes"

if [ $check = yes ]; then
    diff rlwe.hashes "$work/rlwe.hashes" >&2 || die "what was compiled here (>) is not what is committed (<): run 'make cuda' and commit its files"
    say "rlwe.fatbin is what nvcc $(version_of "$NVCC") makes of the sources"
else
    cp "$work"/rlwe.{fatbin,hashes} .
    say "kernels/cuda/rlwe.fatbin: $(wc -c <rlwe.fatbin) bytes by nvcc $(version_of "$NVCC")"
fi
