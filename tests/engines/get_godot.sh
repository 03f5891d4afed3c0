#!/usr/bin/env bash
# Puts Godot 4 into a folder, from Debian's packages, without root: the engine with all its libraries and their own
# loader, so that it runs on older systems too. Usage: get_godot.sh FOLDER [--screen]
#
# Afterwards FOLDER/godot is the engine. With --screen FOLDER/xvfb-godot runs it on a virtual screen, with a renderer in
# software; that is four times as much to fetch. The packages stay in FOLDER/debs: a later run takes them from there.
# The mirror is the one that this machine's apt uses; GODOT_SUITE names another release than testing.
set -euo pipefail

folder=$(realpath -m "$1")
screen=${2:-}
suite=${GODOT_SUITE:-testing}
packages=(godot)
# In the packages' closure, but `godot --headless` never loads it.
unneeded='^(libllvm|mesa-|libz3-|libc-gconv|libc-bin|xkb-data|fonts-|fontconfig-config|libx11-data|pci\.ids|libgl1|libglx|libglvnd|libgles|libegl|libxml2|libtinfo|libvulkan)'
if [ "$screen" = --screen ]; then
  packages+=(xvfb xkb-data x11-xkb-utils libgl1-mesa-dri libgl1 libegl1 libxcursor1 libxinerama1 libxrandr2 libxi6)
  unneeded='^$'
fi

for tool in apt-get dpkg-deb; do
  command -v $tool > /dev/null || { echo "get_godot.sh: needs Debian's $tool" >&2; exit 1; }
done
[ "$(uname -m)" = x86_64 ] || { echo "get_godot.sh: only for x86_64, not $(uname -m)" >&2; exit 1; }

mkdir -p "$folder/debs"
if [ ! -e "$folder/debs/complete$screen" ]; then
  mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2> /dev/null | head -n 1 | tr -d ' ' || true)
  [ -n "$mirror" ] || { echo "get_godot.sh: apt's configuration names no Debian mirror" >&2; exit 1; }
  state=$(mktemp -d)
  trap 'rm -rf "$state"' EXIT
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  # As if nothing were installed, so that the C library comes too.
  : > "$state/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$state/sources.list"
  apt=(apt-get -qq -o Dir::State="$state" -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status"
    -o Dir::Cache="$state/cache" -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null -o APT::Install-Recommends=0 -o APT::Sandbox::User=
    -o Acquire::Languages=none -o Acquire::Retries=3 -o Debug::NoLocking=1)
  "${apt[@]}" update
  mapfile -t names < <("${apt[@]}" -s install "${packages[@]}" | awk '$1 == "Inst" {print $2}' | grep -vE "$unneeded")
  (cd "$folder/debs" && "${apt[@]}" download "${names[@]}")
  touch "$folder/debs/complete$screen"
fi

rm -rf "$folder/root" "$folder/new"
mkdir "$folder/new"
for package in "$folder"/debs/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder/new" --no-same-owner --exclude='./usr/share/doc' \
    --exclude='./usr/share/man' --exclude='./usr/share/locale' --exclude='./usr/lib/x86_64-linux-gnu/gconv'
done
mv "$folder/new" "$folder/root"

cat > "$folder/godot" << 'END'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/root
libraries=$root/usr/lib/x86_64-linux-gnu
exec "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/pulseaudio" "$root/usr/bin/godot" "$@"
END
chmod +x "$folder/godot"
"$folder/godot" --version
