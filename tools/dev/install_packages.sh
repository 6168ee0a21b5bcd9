#!/usr/bin/env bash
# Installs what packages.txt lists and this machine lacks. Quiet and quick when nothing is missing.
set -euo pipefail
list="$(dirname "${BASH_SOURCE[0]}")/packages.txt"
mapfile -t wanted < <(grep -v '^#' "$list")
# Any Go will do: tools/dev/control_plane.py fetches the version that the control plane needs.
command -v go >/dev/null || wanted+=(golang-go)
present="$(dpkg-query -W -f='${Package} ${db:Status-Abbrev}\n' "${wanted[@]}" 2>/dev/null | awk '$2 ~ /^ii/ {print $1}')" || true
missing=()
for package in "${wanted[@]}"; do
  grep -qxF -- "$package" <<<"$present" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "dev: these Debian packages are missing, and this user may not install them: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "dev: installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -qq &&
       "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  exit 1
fi
