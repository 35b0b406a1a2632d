#!/usr/bin/env bash
# Installs the OpenID provider of the end-to-end tests, pinned in tests/oidc/package-lock.json.
#
#   scripts/oidc.sh           install it unless it is there
#   scripts/oidc.sh --check   install nothing; exit 1 if it is missing or another version
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/npm.sh"

npm_packages tests/oidc "the provider" "$@"
