# Sourced by the scripts that install npm packages of the tests; does nothing by itself.
#
# npm_packages FOLDER WHAT "$@": installs what FOLDER/package-lock.json pins into FOLDER/node_modules, unless it is there. With
# --check it installs nothing, and the exit code is 1 when something is missing. Help is the calling script's lines 2 to 5.
# FOLDER is below the repository's root.

npm_packages() {
  local folder=$1 what=$2 name help stamp tool sudo=sudo
  shift 2
  name=$(basename "$0" .sh)
  help=$(sed -n '2,5s/^# \{0,1\}//p' "$0") # before the folder changes: `$0` may be relative
  cd "$(dirname "${BASH_SOURCE[0]}")/.."
  stamp=$folder/node_modules/.package-lock.json # npm writes it last

  local fresh=false
  if [[ -f $stamp && ! $folder/package-lock.json -nt $stamp ]]; then fresh=true; fi

  case "${1-}" in
    "") ;;
    --check)
      if $fresh; then return; fi
      echo "$name: $what in $folder are not installed; run scripts/$name.sh" >&2
      exit 1
      ;;
    -h | --help) echo "$help"; return ;;
    *) echo "$name: unknown argument \`$1\`; see --help" >&2; exit 2 ;;
  esac

  if $fresh; then return; fi
  for tool in node npm; do
    if ! command -v "$tool" >/dev/null; then
      [[ $EUID -ne 0 ]] || sudo=
      echo "$name: there is no $tool; run this yourself, then start again:" >&2
      echo "  ${sudo:+$sudo }apt-get install --yes --no-install-recommends nodejs npm" >&2
      exit 1
    fi
  done
  echo "$name: installing $what into $folder/node_modules"
  npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund >/dev/null
  touch "$stamp" # its time may be from before the lock file's
}
