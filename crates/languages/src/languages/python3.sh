#!/bin/sh
# Plays Python in tests: makes virtual environments, "pip" and "build.py" that do what files in $HOME say.
echo "$*" >>"$HOME/log"
env >>"$HOME/env"
here=$(pwd)
case "$*" in
  "-c import venv, ensurepip") [ ! -e "$HOME/no-venv" ]; exit ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; exit ;;
  "-m pip install --require-hashes "*) phase=fetch ;;
  "-I wheels.py install "*" --dry-run "*) phase=resolve ;;
  "-I wheels.py install "*" --no-deps "*) phase=packages ;;
  build.py*) phase=build ;;
  *) echo "python3: what is $*?" >&2; exit 2 ;;
esac
if [ -e "$HOME/$phase" ]; then . "$HOME/$phase"; fi
while [ $# -gt 0 ]; do
  case "$1" in
    --out) printf '\0asm\15\0\1\0' >"$2" ;;
    --target) mkdir -p "$2/$(basename "$HOME")" && echo 'pass' >"$2/code.py" ;;
    --report)
      if [ -e "$HOME/report" ]; then cp "$HOME/report" "$2"; else
        printf '%s' '{"install":[{"download_info":{"url":"https://index.example/pure-1.0-py3-none-any.whl","archive_info":' >"$2"
        echo '{"hashes":{"sha256":"00ff"}}},"metadata":{"name":"Pure.Package","version":"1.0"}}]}' >>"$2"
      fi ;;
  esac
  shift
done
