#!/bin/sh
# A thin shell over Python, from any directory: python -m scripts.deploy secrets --help
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
if [ ! -x "$root/.venv/bin/python" ]; then
  echo "Nothing is installed yet. Run: make install" >&2
  exit 3
fi
# -P: a folder "scripts" where the caller stands is not ours. Files are looked up there all the same.
exec "$root/.venv/bin/python" -P -m scripts.deploy secrets "$@"
