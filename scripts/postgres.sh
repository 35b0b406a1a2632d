#!/usr/bin/env bash
# Installs PostgreSQL, whose programs the end-to-end tests start a cluster of their own with. Needs apt-get on Debian.
#
#   scripts/postgres.sh           install it unless it is there
#   scripts/postgres.sh --check   install nothing; exit 1 if it is missing
set -euo pipefail

found() {
  local bin
  for bin in /usr/lib/postgresql/*/bin; do
    [[ ! -x $bin/initdb || ! -x $bin/postgres || ! -x $bin/psql || ! -x $bin/pg_dump ]] || return 0
  done
  command -v initdb >/dev/null && command -v postgres >/dev/null && command -v psql >/dev/null && command -v pg_dump >/dev/null
}

case "${1-}" in
  "") ;;
  --check) found; exit ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "postgres: unknown argument \`$1\`; see --help" >&2; exit 2 ;;
esac

if found; then exit 0; fi
command -v apt-get >/dev/null || { echo "postgres: there is no apt-get; install PostgreSQL 14 or later" >&2; exit 1; }
echo "installing the package \`postgresql\`"
sudo=sudo
[[ $EUID -ne 0 ]] || sudo=
# The package would start a cluster of the system's, which no test uses.
$sudo mkdir -p /etc/postgresql-common
if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
  echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
$sudo apt-get update --quiet --quiet
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql >/dev/null
found || { echo "postgres: it is installed, and its programs are not found" >&2; exit 1; }
