#!/usr/bin/env bash
# Installs the tool servers of the end-to-end tests, pinned in tests/mcp/package-lock.json.
#
#   scripts/mcp.sh           install them unless they are there
#   scripts/mcp.sh --check   install nothing; exit 1 if they are missing or other versions
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly folder=tests/mcp
readonly stamp=$folder/node_modules/.package-lock.json

fresh() { [[ -f $stamp && ! $folder/package-lock.json -nt $stamp ]]; }

case "${1-}" in
  "") ;;
  --check) fresh || { echo "mcp: the servers in $folder are not installed; run scripts/mcp.sh" >&2; exit 1; }; exit 0 ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "mcp: unknown argument \`$1\`; see --help" >&2; exit 2 ;;
esac

fresh && exit 0
for tool in node npm; do
  if ! command -v "$tool" >/dev/null; then
    sudo=sudo
    [[ $EUID -ne 0 ]] || sudo=
    echo "mcp: there is no $tool; run this yourself, then start again:" >&2
    echo "  ${sudo:+$sudo }apt-get install --yes --no-install-recommends nodejs npm" >&2
    exit 1
  fi
done
echo "mcp: installing the servers into $folder/node_modules"
npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund >/dev/null
touch "$stamp"
