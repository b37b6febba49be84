#!/bin/sh
# All benches and the comparison with peers; the tables go to standard output.
#
#     benches/run.sh [PYTHON]        PYTHON has the packages of benches/peers/requirements.txt
set -eu
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
cargo build --quiet --release

for bench in scan encode query regions serve; do
    echo "## cargo bench --bench $bench"
    cargo bench --quiet --bench "$bench"
    echo
done
for more in --life --open; do
    echo "## cargo bench --bench hnsw -- $more"
    cargo bench --quiet --bench hnsw -- "$more"
    echo
done
echo "## benches/peers/search.py"
"$python" benches/peers/search.py
echo "## benches/peers/life.py"
"$python" benches/peers/life.py
echo "## benches/peers/encode.py"
"$python" benches/peers/encode.py
echo "## benches/peers/library.py"
"$python" benches/peers/library.py
echo "## benches/peers/load.py"
"$python" benches/peers/load.py
