#!/usr/bin/env bash
# Installs what checks audit logs in the end-to-end tests and was written by others, pinned in tests/verifiers/, into target/.
#
#   scripts/verifiers.sh           install it unless it is there
#   scripts/verifiers.sh --check   install nothing; exit 1 if it is missing or other versions
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly folder=target/verifiers pins=(tests/verifiers/requirements.txt tests/verifiers/requirements-no-deps.txt)

fresh=false
if [[ -f $folder/installed ]] && cat "${pins[@]}" | cmp -s - "$folder/installed"; then fresh=true; fi

case "${1-}" in
  "") ;;
  --check)
    if $fresh; then exit 0; fi
    echo "verifiers: what checks the logs is not installed; run scripts/verifiers.sh" >&2
    exit 1
    ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "verifiers: unknown argument \`$1\`; see --help" >&2; exit 2 ;;
esac

if $fresh; then exit 0; fi
if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "verifiers: there is no Python 3.11 with venv; on Debian, apt-get install python3-venv" >&2
  exit 1
fi
echo "verifiers: installing what checks the logs into $folder"
rm -rf "$folder"
python3 -m venv "$folder"
pip() { "$folder/bin/pip" --disable-pip-version-check --quiet "$@"; }
pip install --no-deps --requirement "${pins[0]}"
pip install --no-deps --ignore-requires-python --requirement "${pins[1]}"
cat "${pins[@]}" >"$folder/installed"
