#!/usr/bin/env bash
# Makes a machine able to build, test and run the project. Safe to repeat: what is there is left alone.
#
#   scripts/setup.sh [--js] [--lint] [--zombienet]
#
# --js adds what the Node.js tests need, --lint what `make lint` needs, --zombienet the network test's runner.
# DREAM_CACHE   folder for what is downloaded and built (default: ~/.cache/dream)
# LIBTORCH      a libtorch 2.11 of your own (a folder with include/ and lib/); nothing is downloaded then
# DREAM_WASM    `build` to build the WASM target from Debian's Rust even where rustup has it (tests the fallback)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RUST_NEEDED=1.95
WASM_TARGET=wasm32v1-none
LIBTORCH_DIR="$DREAM_CACHE/libtorch-2.11.0"
WASM_SYSROOT="$DREAM_CACHE/wasm-toolchain"
WASM_NAME=dream-wasm
LIBTORCH_MB=2000
# rustup waits for ever on a network that drops packets; what it fetches here is 15 MB.
RUSTUP_PATIENCE=20
# A missing component must be this script's message, not a download that rustup starts by itself.
export RUSTUP_AUTO_INSTALL=0

js=no lint=no zombienet=no
for argument in "$@"; do
    case "$argument" in
    --js) js=yes ;;
    --lint) lint=yes ;;
    --zombienet) js=yes zombienet=yes ;;
    *) die "unknown argument '$argument': --js, --lint, --zombienet are known" ;;
    esac
done

mkdir -p "$DREAM_CACHE" || die "cannot make the folder '$DREAM_CACHE': set DREAM_CACHE to one you can write to"
exec 9>"$DREAM_CACHE/setup.lock"
flock -n 9 || { say "waiting for another set-up in $DREAM_CACHE"; flock 9; }

system_packages() {
    need_packages "builds the node, its protocol definitions and libtorch's bindings" \
        g++=g++ make=make pkg-config=pkg-config protoc=protobuf-compiler git=git unzip=unzip ldd=libc-bin
}

rust() {
    cd "$ROOT"
    have cargo || die "no cargo on PATH. Install rustup ('apt-get install rustup' on Debian 13 and Ubuntu 24.04 or newer, else as rustup's site says), open a new shell and run this again."
    if ! rustc --version >/dev/null 2>&1 && have rustup; then
        say "rustup: the Rust version that rust-toolchain.toml pins"
        timeout 900 rustup toolchain install --profile minimal "$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)" ||
            die "rustup could not install the pinned Rust: the lines above say why"
    fi
    new_enough rustc || die "$(rustc --version) is too old: $RUST_NEEDED or newer is needed (rustup update)"
}

new_enough() { [ "$(printf '%s\n' "$RUST_NEEDED" "$("$1" --version | awk '{print $2}')" | sort -V | head -n 1)" = "$RUST_NEEDED" ]; }

has_wasm_target() { [ -n "$(find "$(rustc --print target-libdir --target $WASM_TARGET)" -name 'libcore-*.rlib' 2>/dev/null)" ]; }

host_triple() { "$1" -vV | sed -n 's/^host: //p'; }

# The Rust that compiles the runtime needs core and alloc for the WASM target.
wasm_target() {
    if [ "${DREAM_WASM:-}" != build ]; then
        has_wasm_target && return
        if [ -f "$WASM_SYSROOT/complete" ]; then
            use_wasm_sysroot
            return
        fi
        if have rustup; then
            say "rustup: target $WASM_TARGET (the runtime compiles to it)"
            timeout "$RUSTUP_PATIENCE" rustup target add $WASM_TARGET >"$DREAM_CACHE/rustup.log" 2>&1 && has_wasm_target && return
            say "rustup could not ($(grep -m1 -E '^error' "$DREAM_CACHE/rustup.log" || echo "no answer in $RUSTUP_PATIENCE s")): building it from the distribution's Rust instead"
        fi
    elif [ -f "$WASM_SYSROOT/complete" ]; then
        use_wasm_sysroot
        return
    fi
    build_wasm_sysroot
    use_wasm_sysroot
}

use_wasm_sysroot() {
    have rustup || die "rustc has no target $WASM_TARGET, and the one in $WASM_SYSROOT can be used through rustup only: install rustup, or your distribution's Rust package for that target"
    [ "$(rustup run $WASM_NAME rustc --print sysroot 2>/dev/null)" = "$WASM_SYSROOT" ] || rustup toolchain link $WASM_NAME "$WASM_SYSROOT"
    wasm_toolchain=$WASM_NAME
}

# Debian has a Rust with its library's sources. Its core and alloc, built for the target, and links to the rest of it
# make a sysroot that substrate-wasm-builder accepts as a toolchain.
build_wasm_sysroot() {
    local rustc=/usr/bin/rustc cargo=/usr/bin/cargo host new work sources linker library
    if ! [ -x $rustc ] || ! [ -x $cargo ] || ! new_enough $rustc || [ -z "$(library_sources $rustc)" ]; then
        apt_install "a Rust with library sources, to build $WASM_TARGET" rustc-web cargo-web rust-web-src
    fi
    new_enough $rustc || die "$($rustc --version), the distribution's newest, is too old to build the runtime: $RUST_NEEDED is needed. Give rustup a network and run 'rustup target add $WASM_TARGET'."
    sources=$(library_sources $rustc)
    [ -n "$sources" ] || die "$rustc has no library sources (package rust-web-src, or rust-src)"
    linker=$(find_wasm_linker)
    if [ -z "$linker" ]; then
        apt_install "links WASM" lld-22
        linker=$(find_wasm_linker)
    fi
    say "cargo: core and alloc for $WASM_TARGET with $($rustc --version | cut -d' ' -f1,2) (20 s)"
    host=$(host_triple $rustc)
    rm -rf "$WASM_SYSROOT".*
    new=$(mktemp -d "$WASM_SYSROOT.XXXXXX")
    work="$new/build"
    mkdir -p "$work/src" "$new/bin" "$new/lib/rustlib/$WASM_TARGET/lib" "$new/lib/rustlib/$host/bin"
    printf '[package]\nname = "seed"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$work/Cargo.toml"
    printf '#![no_std]\nextern crate alloc;\n' >"$work/src/lib.rs"
    # Without embed-bitcode the runtime's LTO fails: "failed to get bitcode from object file".
    (cd "$work" && env -u RUSTUP_TOOLCHAIN -u CARGO_ENCODED_RUSTFLAGS RUSTFLAGS=-Cembed-bitcode=yes RUSTC=$rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$work/target" \
        $cargo build --quiet --release -Zbuild-std=core,alloc --target $WASM_TARGET) ||
        die "could not build core and alloc for $WASM_TARGET: the lines above say why"
    for library in core alloc compiler_builtins; do
        cp "$work/target/$WASM_TARGET/release/deps/lib$library"-*.rlib "$new/lib/rustlib/$WASM_TARGET/lib/"
    done
    rm -rf "$work"
    ln -s "$($rustc --print sysroot)/lib/rustlib/$host/lib" "$new/lib/rustlib/$host/lib"
    ln -s "$(dirname "$(dirname "$sources")")" "$new/lib/rustlib/src"
    ln -s "$linker" "$new/lib/rustlib/$host/bin/rust-lld"
    ln -s $cargo "$new/bin/cargo"
    # A wrapper, not a link: rustc called by name alone would take the distribution's sysroot.
    printf '#!/bin/sh\nexec %s --sysroot "%s" "$@"\n' $rustc "$WASM_SYSROOT" >"$new/bin/rustc"
    chmod +x "$new/bin/rustc"
    rm -rf "$WASM_SYSROOT"
    mv "$new" "$WASM_SYSROOT"
    prove_wasm_sysroot
}

# Prints the folder of the library's sources that belong to rustc $1, or nothing.
library_sources() {
    local path
    path="$("$1" --print sysroot)/lib/rustlib/src/rust/library"
    [ -f "$path/core/src/lib.rs" ] && printf '%s' "$path"
    return 0
}

find_wasm_linker() {
    local candidate
    for candidate in rust-lld lld lld-22 lld-21 lld-20 lld-19 lld-18; do
        have $candidate && command -v $candidate && return
    done
    return 0
}

# An allocating cdylib with LTO: what the runtime's build needs from the toolchain.
prove_wasm_sysroot() {
    local work
    work=$(mktemp -d)
    mkdir "$work/src"
    printf '[package]\nname = "proof"\nversion = "0.0.0"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n[profile.release]\nlto = true\npanic = "abort"\n[workspace]\n' >"$work/Cargo.toml"
    cat >"$work/src/lib.rs" <<'RUST'
#![no_std]
extern crate alloc;
use core::alloc::{GlobalAlloc, Layout};
struct Fixed;
static mut ARENA: [u8; 4096] = [0; 4096];
unsafe impl GlobalAlloc for Fixed {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 { core::ptr::addr_of_mut!(ARENA).cast() }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
#[global_allocator]
static ALLOCATOR: Fixed = Fixed;
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }
#[no_mangle]
pub extern "C" fn filled(n: usize) -> usize { alloc::vec![1u8; n].len() }
RUST
    (cd "$work" && PATH="$WASM_SYSROOT/bin:$PATH" RUSTC="$WASM_SYSROOT/bin/rustc" CARGO_TARGET_DIR="$work/target" \
        "$WASM_SYSROOT/bin/cargo" build --quiet --release --target $WASM_TARGET) ||
        die "the toolchain built in $WASM_SYSROOT does not link WASM: the lines above say why"
    [ -s "$work/target/$WASM_TARGET/release/proof.wasm" ] || die "the toolchain built in $WASM_SYSROOT made no WASM file"
    rm -rf "$work"
    touch "$WASM_SYSROOT/complete"
    say "the built target links an allocating module with LTO"
}

libtorch() {
    if [ -n "${LIBTORCH:-}" ] && [ "$LIBTORCH" != "$LIBTORCH_DIR/torch" ]; then
        [ -f "$LIBTORCH/lib/libtorch_cpu.so" ] || die "LIBTORCH is '$LIBTORCH', but there is no lib/libtorch_cpu.so in it: correct it, or unset it to have libtorch downloaded"
        return
    fi
    LIBTORCH="$LIBTORCH_DIR/torch"
    [ -f "$LIBTORCH_DIR/complete" ] && return
    [ "$(uname -m)" = x86_64 ] || die "this is $(uname -m): libtorch can be downloaded for x86_64 only. Set LIBTORCH to a libtorch 2.11 of your own."
    local new free
    free=$(df -Pm "$DREAM_CACHE" | awk 'NR == 2 {print $4}')
    [ "$free" -ge $LIBTORCH_MB ] || die "$DREAM_CACHE has $free MB free; libtorch needs $LIBTORCH_MB MB while it is unpacked (620 MB after). Free some, or set DREAM_CACHE."
    python3 -m pip --version >/dev/null 2>&1 || apt_install "pip fetches libtorch" python3-pip
    say "pip: libtorch 2.11.0 for the CPU (550 MB to download; trains the models)"
    rm -rf "$LIBTORCH_DIR".*
    new=$(mktemp -d "$LIBTORCH_DIR.XXXXXX")
    # The wheels of one named Python, so that any Python here fetches the files that libtorch.txt pins.
    TMPDIR="$new" python3 -m pip download --quiet --no-cache-dir --no-deps --require-hashes --only-binary=:all: --implementation cp --python-version 3.12 \
        --abi cp312 --abi none --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        --dest "$new/wheels" --requirement "$ROOT/scripts/libtorch.txt" ||
        die "pip could not download libtorch: the lines above say why. Set LIBTORCH if you have one."
    unzip -q "$new/wheels/torch-*.whl" 'torch/include/*' 'torch/lib/libtorch_cpu.so' 'torch/lib/libtorch.so' 'torch/lib/libc10.so' 'torch/lib/libgomp*' -d "$new"
    unzip -q "$new/wheels/nvidia_cuda_cupti-*.whl" 'nvidia/cu13/lib/libcupti.so.13' -d "$new"
    unzip -q "$new/wheels/nvidia_cuda_runtime-*.whl" 'nvidia/cu13/lib/libcudart.so.13' -d "$new"
    rm -rf "$new/wheels"
    printf '2.11.0+cpu\n' >"$new/torch/build-version"
    # Not libtorch.so: it names the CUDA library, and programs link libtorch_cpu.so alone.
    ! ldd "$new"/torch/lib/lib{torch_cpu,c10}.so | grep 'not found' || die "libtorch's libraries miss the libraries named above"
    touch "$new/complete"
    rm -rf "$LIBTORCH_DIR"
    mv "$new" "$LIBTORCH_DIR"
}

# What scripts/env.sh reads. Written whole and moved, so that a reader never sees half of it.
write_env() {
    local new="$DREAM_CACHE/env.sh.$$"
    {
        printf '# Written by scripts/setup.sh; read through scripts/env.sh.\n'
        printf 'export LIBTORCH=%q\n' "$LIBTORCH"
        [ -z "$wasm_toolchain" ] || printf 'export WASM_BUILD_TOOLCHAIN=%q\n' "$wasm_toolchain"
    } >"$new"
    if cmp -s "$new" "$DREAM_CACHE/env.sh"; then rm "$new"; else mv "$new" "$DREAM_CACHE/env.sh"; fi
}

node_js() {
    local major
    need_packages "runs the JavaScript client's test" node=nodejs npm=npm
    need_packages "runs the commands of the documentation" pgrep=procps setsid=util-linux python3=python3
    major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    [ "$major" -ge 18 ] || die "node $(node --version) is too old: 18 or newer is needed"
    npm_packages scripts/js "the JavaScript client that polkadot.js uses"
    [ $zombienet = no ] || npm_packages zombienet "starts and checks networks of several nodes"
}

# npm_packages FOLDER WHY: installs what the folder's lock file pins, unless that was done.
npm_packages() {
    local folder="$ROOT/$1" stamp
    stamp="$folder/node_modules/.dream-lock"
    cmp -s "$folder/package-lock.json" "$stamp" && return
    say "npm: packages of $1 ($2)"
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error) || die "npm could not install the packages of $1: the lines above say why"
    cp "$folder/package-lock.json" "$stamp"
}

lint_tools() {
    need_packages "checks the shell scripts" shellcheck=shellcheck
    cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 && return
    have rustup || die "cargo has no clippy or no rustfmt: install your distribution's packages for them"
    say "rustup: clippy and rustfmt (make lint)"
    timeout 120 rustup component add clippy rustfmt >/dev/null 2>&1 || die "rustup could not add clippy and rustfmt within 120 s: check the network and run 'rustup component add clippy rustfmt'"
}

wasm_toolchain=
system_packages
rust
wasm_target
libtorch
write_env
[ $js = no ] || node_js
[ $lint = no ] || lint_tools
say "ready (cache: $DREAM_CACHE)"
