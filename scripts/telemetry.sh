#!/usr/bin/env bash
# Installs what the exports of the end-to-end tests are checked with, pinned in tests/telemetry/requirements.txt.
#
#   scripts/telemetry.sh           install it unless it is there
#   scripts/telemetry.sh --check   install nothing; exit 1 if it is missing or another version
set -euo pipefail
readonly help=$(sed -n '2,5s/^# \{0,1\}//p' "$0") # before the folder changes: `$0` may be relative
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly folder=target/telemetry wanted=tests/telemetry/requirements.txt
readonly stamp=$folder/requirements.txt

case "${1-}" in
  "") ;;
  --check)
    if cmp -s "$wanted" "$stamp"; then exit; fi
    echo "telemetry: what exports are checked with is not installed; run scripts/telemetry.sh" >&2
    exit 1
    ;;
  -h | --help) echo "$help"; exit ;;
  *) echo "telemetry: unknown argument \`$1\`; see --help" >&2; exit 2 ;;
esac

if cmp -s "$wanted" "$stamp"; then exit; fi
# The collector is built for one version of Python, whose library it loads.
python=python3.11
command -v "$python" >/dev/null || python=python3
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null || [[ $(/sbin/ldconfig -p) != *libpython3.11.so.1.0* ]]; then
  sudo=sudo
  [[ $EUID -ne 0 ]] || sudo=
  echo "telemetry: installing Python's venv and library"
  $sudo apt-get update --quiet --quiet
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3-venv libpython3.11 >/dev/null
fi
echo "telemetry: installing $(grep -c '==' "$wanted") packages into $folder"
rm -rf "$folder"
"$python" -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --requirement "$wanted"
cp "$wanted" "$stamp" # last: it says that all is there
