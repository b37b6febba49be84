#!/usr/bin/env bash
# Runs the kernels' tests in Miri, which sees each access to memory. It knows no instruction beyond those that every
# processor has, so the portable kernels are taken. Needs a nightly toolchain with the component `miri`:
#
#     rustup toolchain install nightly --component miri,rust-src
set -euo pipefail
cd "$(dirname "$0")/.."
# Threads of the pool of rayon go on when the tests end.
export MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-ignore-leaks -Zmiri-tree-borrows -Zmiri-permissive-provenance"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/miri RAYON_NUM_THREADS=1
cargo +nightly miri test --locked -p glimpse-encoder --lib -- cpu::kernels::tests::small
