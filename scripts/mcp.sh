#!/usr/bin/env bash
# Installs the tool servers of the end-to-end tests, pinned in tests/mcp/package-lock.json.
#
#   scripts/mcp.sh           install them unless they are there
#   scripts/mcp.sh --check   install nothing; exit 1 if they are missing or other versions
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/npm.sh"

npm_packages tests/mcp "the servers" "$@"
