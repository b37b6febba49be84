#!/usr/bin/env bash
# Runs the tests of all libraries with debug assertions and checks of overflow in our own crates. Dependencies are
# those of `cargo test --release --workspace`, so that they are not compiled again. Arguments go to the tests:
#
#     tests/checked.sh
#     GLIMPSE_FUZZ_SECONDS=60 tests/checked.sh fuzz:: --nocapture
set -euo pipefail
cd "$(dirname "$0")/.."
checks=()
# Kernels and readers are tried at length; the rest need not be fast.
for crate in encoder:1 indexer:1 engine:1 web:0 fuzz:1 nonempty:0; do
  package=profile.release.package.glimpse-${crate%:*}
  checks+=(--config "$package.debug-assertions=true" --config "$package.overflow-checks=true")
  checks+=(--config "$package.opt-level=${crate#*:}")
done
exec cargo test --release "${checks[@]}" --workspace --lib --locked -- "$@"
