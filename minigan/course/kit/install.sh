#!/bin/sh
# Linux and macOS: sh install.sh [FOLDER]. Finds a Python that the kit is for, and lets install.py do the rest.
kit=$(cd "$(dirname "$0")" && pwd)
any=
for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
  command -v "$python" >/dev/null 2>&1 || continue
  any=${any:-$python}
  if "$python" "$kit/install.py" --fits 2>/dev/null; then exec "$python" "$kit/install.py" "$@"; fi
done
if [ -n "$any" ]; then exec "$any" "$kit/install.py" "$@"; fi
echo "install: no Python was found; install Python, then run this again" >&2
exit 1
