#!/usr/bin/env bash
# Starts a real Milvus server in a folder of its own and runs what needs one: the tests of the indexer
# (the same questions of both backends), and kills of the program and of the server. Installs the
# server by pip; the server is stopped at the end, whatever happens.
#
#   tests/milvus/run.sh [tests|kills]     both by default
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
server=
clean_up() {
  if [[ -n $server ]]; then
    exec 3>&- # it ends with its input
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap clean_up EXIT

python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check milvus==2.3.5
cargo=(cargo)
arguments=(--release --locked --features milvus ${GLIMPSE_CHECKED:+--config tests/checked.toml})

"${cargo[@]}" build "${arguments[@]}" -p glimpse
"${cargo[@]}" test "${arguments[@]}" -p glimpse-indexer --lib --no-run

mkfifo "$scratch/to" "$scratch/from"
"$scratch/venv/bin/python" tests/milvus/server.py "$scratch/data" <"$scratch/to" >"$scratch/from" 2>"$scratch/said" &
server=$!
exec 3>"$scratch/to" 4<"$scratch/from"
if ! read -r url <&4; then
  cat "$scratch/said" >&2
  exit 1
fi
export GLIMPSE_MILVUS_TOKEN=root:Milvus

if [[ ${1:-tests} == tests ]]; then
  GLIMPSE_TEST_MILVUS=$url "${cargo[@]}" test "${arguments[@]}" -p glimpse-indexer --lib -- \
    backend:: outside:: --show-output --test-threads 3 | tee "$scratch/tests"
  if grep SKIPPED "$scratch/tests"; then
    echo "error: a test was skipped although there is a server" >&2
    exit 1
  fi
fi
if [[ ${1:-kills} == kills ]]; then
  "$scratch/venv/bin/python" tests/milvus/kills.py target/release/glimpse "$url" "$scratch/kills" 3>&3 4<&4
fi
