#!/usr/bin/env bash
# Fuzzes the parsers and the host's edge: every target of fuzz/, each for as long as is said. Starts from the committed
# seeds, keeps what it finds in fuzz/corpus/, and fails when an input crashes, hangs or breaks a property.
#
#   scripts/fuzz.sh [SECONDS] [TARGET...]     60 s for each target; 0 runs only what is kept: seeds and corpus
#
# Needs cargo and a C++ compiler; cargo-fuzz is installed when it is missing. The first build takes long, because the whole
# engine is instrumented for coverage; `scope`, `manifest`, `resource`, `token`, `audit`, `proof` and `journal` do without the engine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly light=(scope manifest resource token audit proof journal)
readonly heavy=(core_abi module)

case "${1-}" in
  -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
seconds="${1:-60}"
if ! [[ $seconds =~ ^[0-9]+$ ]]; then
  echo "fuzz: \`$seconds\` is not a number of seconds; see --help" >&2
  exit 2
fi
shift $(($# > 0 ? 1 : 0))
targets=("${@:-${light[@]}}")
if (($# == 0)); then targets=("${light[@]}" "${heavy[@]}"); fi

if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "installing cargo-fuzz"
  cargo install --quiet --locked cargo-fuzz
fi

# The sanitizer's flag is unstable; this lets the pinned stable compiler take it.
export RUSTC_BOOTSTRAP=1

# libFuzzer takes a total time of 0 for no end.
if ((seconds > 0)); then until=(-max_total_time="$seconds"); else until=(-runs=0); fi

build_flags() {
  echo --fuzz-dir fuzz --codegen-units 16
  # The engine's own fuzzers look for memory errors. Here it is panics and broken properties, which need no sanitizer.
  if [[ " ${heavy[*]} " == *" $1 "* ]]; then echo --features engine --sanitizer none; fi
}

# Shown are the build's end, the first and last state, statistics, and whatever went wrong.
readonly noise='^\s*(Compiling|NEW_FUNC|INFO:|WARNING: Failed to find)|^#[0-9]+\s+(NEW|REDUCE|pulse|RELOAD)|^"|recommended dictionary|Recommended dictionary'

failed=()
summary=()
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
for target in "${targets[@]}"; do
  echo
  echo "==> $target"
  mkdir -p "fuzz/corpus/$target"
  # shellcheck disable=SC2046 # the flags are words
  if cargo fuzz run $(build_flags "$target") "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    "${until[@]}" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 2>&1 | tee "$log" | grep --line-buffered -Ev "$noise"; then
    outcome="no crash"
  else
    outcome="FAILED"
    failed+=("$target")
  fi
  count="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)"
  summary+=("$(printf '%-10s %12s executions   %s' "$target" "${count:-?}" "$outcome")")
done

echo
printf '%s\n' "${summary[@]}"
if ((${#failed[@]} > 0)); then
  echo "fuzz: ${failed[*]} failed; the inputs are in fuzz/artifacts/, \`cargo fuzz tmin\` makes them smaller" >&2
  exit 1
fi
