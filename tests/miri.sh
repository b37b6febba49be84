#!/usr/bin/env bash
# Runs the kernels' tests in Miri, which sees each access to memory. It knows no instruction beyond those that every
# processor has, so the portable kernels are taken. Needs a nightly toolchain with the component `miri`:
#
#     rustup toolchain install nightly --component miri,rust-src
#     tests/miri.sh           # all of them: half an hour
#     tests/miri.sh quick     # those that take less than a minute each
set -euo pipefail
cd "$(dirname "$0")/.."
small=cpu::kernels::tests::small
case "${1:-}" in
  "") tests=("$small") ;;
  quick) tests=(--exact "$small::patches" "$small::rows") ;;
  *) echo "error: $1 is no choice of tests; give none, or: quick" >&2; exit 2 ;;
esac
# Threads of the pool of rayon go on when the tests end.
export MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-ignore-leaks -Zmiri-tree-borrows -Zmiri-permissive-provenance"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/miri RAYON_NUM_THREADS=1
cargo +nightly miri test --locked -p glimpse-encoder --lib -- "${tests[@]}"
