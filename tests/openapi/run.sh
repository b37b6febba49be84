#!/usr/bin/env bash
# Reads the description of a running server as others do: two validators must find no fault in it, and two generators must
# make clients of every operation. What the page takes answers to be is compared with the types of one of them.
#
#     tests/openapi/run.sh http://127.0.0.1:4747
#
# Needs openapi-spec-validator and openapi-python-client (PyPI) in the path, and `npm ci` in this folder.
set -euo pipefail
url=$1
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

python3 - "$url/api/v1/openapi.json" "$scratch/openapi.json" <<'PYTHON'
import sys, urllib.request
urllib.request.urlretrieve(sys.argv[1], sys.argv[2])
PYTHON
openapi-spec-validator "$scratch/openapi.json"
"$here/node_modules/.bin/redocly" lint --config "$here/redocly.yaml" "$scratch/openapi.json"
"$here/node_modules/.bin/openapi-typescript" "$scratch/openapi.json" --output "$scratch/api.d.ts"
cp "$here/page.ts" "$scratch/page.ts"
"$here/node_modules/.bin/tsc" --noEmit --strict --target es2022 "$scratch/page.ts" "$here/../../web/types/api.d.ts"
openapi-python-client generate --path "$scratch/openapi.json" --output-path "$scratch/client" --meta none \
  --config "$here/client.yaml" --fail-on-warning
python3 - "$scratch" <<'PYTHON'
import json, pathlib, sys
scratch = pathlib.Path(sys.argv[1])
paths = json.loads((scratch / "openapi.json").read_text())["paths"]
names = {operation["operationId"] for path in paths.values() for operation in path.values()}
# A name that Python has already (`map`) gets an underscore.
made = {file.stem.rstrip("_") for file in (scratch / "client/api").glob("*/*.py")}
missing = names - made
assert not missing, f"no client for {sorted(missing)}"
print(f"clients for {len(names)} operations")
PYTHON
