#!/usr/bin/env bash
# Installs the Debian packages of the lists given that are missing, without what they only recommend.
# --with-npm: npm too, and only where no npm is on the path: it may come from elsewhere, and then Debian's conflicts.
# As root, or through sudo. Where there is no apt-get it names the packages and goes on: CMake says what is really missing.
set -euo pipefail

missing=()
need() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true) == installed ]] || missing+=("$1")
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "no apt-get here; these Debian packages, or what they hold, have to be installed:" >&2
  for list in "$@"; do [[ $list == --* ]] || sed 's/#.*//; /^ *$/d' "$list" >&2; done
  exit 0
fi

for argument in "$@"; do
  if [[ $argument == --with-npm ]]; then
    command -v npm >/dev/null || missing+=(nodejs npm)
    continue
  fi
  while read -r name; do
    name=${name%%#*}
    name=${name// /}
    if [[ -n $name ]]; then need "$name"; fi
  done <"$argument"
done
if [[ ${#missing[@]} -eq 0 ]]; then exit 0; fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "missing packages: ${missing[*]}; install them as root" >&2; exit 3; }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing: ${missing[*]}"
install() { "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; }
# A fresh machine has no lists of packages, an old one has stale ones: both show as a failed install.
install || { "${as_root[@]}" apt-get update -qq && install; }
