#!/usr/bin/env bash
# Builds the guests of guest-examples/ into target/guests/*.wasm, and installs the compilers that are missing.
#
#   scripts/guests.sh           build what is older than its sources
#   scripts/guests.sh --check   build and install nothing; say what is missing or out of date (exit 1 if anything is)
#
# C needs clang for WASI: $WASI_SDK_PATH when it is set, else the packages below. AssemblyScript needs npm; its compiler
# goes to target/guests/node. WAT and scripts need nothing: Bailiwick runs them as text.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly sources=guest-examples
readonly out=target/guests
readonly apt_packages=(clang-22 lld-22 libclang-rt-22-dev-wasm32 wasi-libc)
readonly asc_version=0.28.20
readonly asc="$out/node/node_modules/.bin/asc"
readonly shared_ts="$sources/core.ts" # imported by the others, no guest itself

check=false
case "${1-}" in
  "") ;;
  --check) check=true ;;
  -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "guests: unknown argument \`$1\`; see --help" >&2; exit 2 ;;
esac

say() { echo "guests: $*"; }

fail() {
  echo "guests: $1" >&2
  echo "guests: run this yourself, then start again:" >&2
  echo "  ${2# }" >&2
  exit 1
}

sudo=sudo
[[ $EUID -ne 0 ]] || sudo=

# wasi-sdk and Debian call the same target by different names.
compile_c() {
  if [[ -n "${WASI_SDK_PATH-}" ]]; then
    "$WASI_SDK_PATH/bin/clang" --target=wasm32-wasip1 "$@"
  else
    clang-22 --target=wasm32-wasi -Wno-deprecated "$@"
  fi
}

# Compiling something is the only test that covers compiler, linker, C library and builtins at once.
have_c() {
  local probe
  probe=$(mktemp)
  local found=0
  echo '#include <stdio.h>
int main(void) { return puts("") < 0; }' | compile_c -x c -O2 -o "$probe" - 2>/dev/null || found=1
  rm -f "$probe"
  return $found
}

have_asc() { [[ -x $asc ]] && [[ "$("$asc" --version 2>/dev/null)" == "Version $asc_version" ]]; }

install_c() {
  local command=(apt-get install --yes --no-install-recommends "${apt_packages[@]}")
  [[ -z "${WASI_SDK_PATH-}" ]] || fail "the compiler in WASI_SDK_PATH (\`$WASI_SDK_PATH\`) does not work" "unset WASI_SDK_PATH"
  command -v apt-get >/dev/null || fail "there is no apt-get to install clang for WASI with" "export WASI_SDK_PATH=/path/to/wasi-sdk"
  say "installing ${apt_packages[*]}"
  $sudo env DEBIAN_FRONTEND=noninteractive "${command[@]}" >/dev/null || fail "could not install clang for WASI" "$sudo ${command[*]}"
  have_c || fail "clang for WASI is installed but does not compile" "echo 'int main(void){return 0;}' | clang-22 --target=wasm32-wasi -x c -o /dev/null -"
}

install_asc() {
  local command=(npm install --prefix "$out/node" --save-exact --ignore-scripts --no-audit --no-fund "assemblyscript@$asc_version")
  command -v npm >/dev/null || fail "AssemblyScript needs npm" "$sudo apt-get install --yes --no-install-recommends npm"
  say "installing assemblyscript $asc_version into $out/node"
  mkdir -p "$out/node"
  "${command[@]}" >/dev/null || fail "could not install assemblyscript" "${command[*]}"
  have_asc || fail "assemblyscript is installed but does not start" "$asc --version"
}

# fresh OUTPUT SOURCE…: the output is newer than every source, and than this script, which holds the options.
fresh() {
  local output=$1 source
  [[ -f $output ]] || return 1
  shift
  for source in "$@" scripts/guests.sh; do
    [[ $output -nt $source ]] || return 1
  done
}

stale_c=() stale_ts=() missing=0 total=0
for file in "$sources"/*.c; do
  total=$((total + 1))
  fresh "$out/$(basename "$file" .c).wasm" "$file" || stale_c+=("$file")
done
for file in "$sources"/*.ts; do
  # Without the core ABI it is no AssemblyScript: a script in TypeScript, which runs as it is.
  [[ $file != "$shared_ts" ]] && grep -qF ' from "./core";' "$file" || continue
  total=$((total + 1))
  fresh "$out/$(basename "$file" .ts).wasm" "$file" "$shared_ts" || stale_ts+=("$file")
done

if $check; then
  have_c || { say "missing: clang for WASI (${apt_packages[*]})"; missing=1; }
  have_asc || { say "missing: assemblyscript $asc_version in $out/node"; missing=1; }
  for file in "${stale_c[@]}" "${stale_ts[@]}"; do say "to build: $file"; missing=1; done
  [[ $missing -ne 0 ]] || say "all $total guests in $out are up to date"
  exit "$missing"
fi

mkdir -p "$out"
[[ ${#stale_c[@]} -eq 0 ]] || have_c || install_c
[[ ${#stale_ts[@]} -eq 0 ]] || have_asc || install_asc

# An interrupted compiler must not leave a file that looks up to date: build beside it, then rename.
for file in "${stale_c[@]}"; do
  name=$(basename "$file" .c)
  say "$file -> $out/$name.wasm"
  compile_c -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -s "$file" -o "$out/$name.part"
  mv "$out/$name.part" "$out/$name.wasm"
done
for file in "${stale_ts[@]}"; do
  name=$(basename "$file" .ts)
  say "$file -> $out/$name.wasm"
  "$asc" "$file" -O3z --runtime stub --use abort= -o "$out/$name.part.wasm"
  mv "$out/$name.part.wasm" "$out/$name.wasm"
done
say "$total guests in $out, $((${#stale_c[@]} + ${#stale_ts[@]})) of them built now; *.wat and scripts run as they are"
