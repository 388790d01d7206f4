#!/bin/sh
# A thin shell over Python, from any directory: python -m scripts.deploy rollback --help
set -eu
cd "$(dirname "$0")/.."
if [ ! -x .venv/bin/python ]; then
  echo "Nothing is installed yet. Run: make install" >&2
  exit 3
fi
exec .venv/bin/python -m scripts.deploy rollback "$@"
