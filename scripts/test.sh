#!/usr/bin/env bash
# Passes every check that a change must pass: format, links, lints, dependencies, all tests. Installs what is missing, by package
# name, and says so. Needs cargo, npm and, on Debian, apt-get.
#
#   scripts/test.sh           everything
#   scripts/test.sh --quick   without the guests' compilers and the dependency check (some tests then fail and say why)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly deny_version=0.20.2

quick=false
case "${1-}" in
  "") ;;
  --quick) quick=true ;;
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "test: unknown argument \`$1\`; see --help" >&2; exit 2 ;;
esac

step() { echo; echo "==> $*"; }

step "format"
cargo fmt --all --check

step "links"
scripts/links.sh

if ! $quick; then
  step "guests in C and AssemblyScript"
  scripts/guests.sh

  step "dependencies: who may use what, licences, sources"
  if ! cargo deny --version 2>/dev/null | grep -qF " $deny_version"; then
    echo "installing cargo-deny $deny_version"
    cargo install --quiet --locked "cargo-deny@$deny_version"
  fi
  # Advisories need their database from the network: `just audit`.
  cargo deny --workspace check bans licenses sources
fi

step "the OpenID provider, the tool servers, the PostgreSQL and the collector of the tests"
scripts/oidc.sh
scripts/mcp.sh
scripts/postgres.sh
scripts/telemetry.sh

if ! $quick && ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  step "Python's venv, which installing the Python interpreter needs"
  command -v apt-get >/dev/null || { echo "test: there is no apt-get; install Python 3 with venv" >&2; exit 1; }
  sudo=sudo
  [[ $EUID -ne 0 ]] || sudo=
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3-venv >/dev/null
fi

if ! $quick; then
  step "the verifiers of audit logs that others wrote"
  scripts/verifiers.sh
fi

step "lints"
cargo clippy --workspace --all-targets -- -D warnings

step "tests"
cargo test --workspace --no-fail-fast
