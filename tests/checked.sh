#!/usr/bin/env bash
# Runs the tests of all libraries with debug assertions and checks of overflow in our own crates. Dependencies are
# those of `cargo test --release --workspace`, so that they are not compiled again. Arguments go to the tests:
#
#     tests/checked.sh
#     GLIMPSE_FUZZ_SECONDS=60 tests/checked.sh fuzz:: --nocapture
set -euo pipefail
cd "$(dirname "$0")/.."
checks=()
for crate in encoder indexer engine web fuzz nonempty; do
  package=profile.release.package.glimpse-$crate
  checks+=(--config "$package.debug-assertions=true" --config "$package.overflow-checks=true" --config "$package.opt-level=1")
done
exec cargo test --release "${checks[@]}" --workspace --lib --locked -- "$@"
