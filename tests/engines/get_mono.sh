#!/usr/bin/env bash
# Installs what the tests of the Unity package run on, from Debian: Mono's compiler and runtime, and NUnit.
# Where it is there already nothing is done. Where it cannot be installed the tests skip, unless GENLOCK_ENGINES=required.
set -euo pipefail

packages=(mono-mcs mono-runtime nunit-console libnunit-cil-dev libmono-system-net-http4.0-cil)

there() {
	command -v mono && command -v mcs && command -v nunit-console
} >/dev/null 2>&1

install() {
	local sudo=()
	command -v apt-get >/dev/null || return 1
	if [ "$(id -u)" != 0 ]; then
		sudo -n true 2>/dev/null || return 1
		sudo=(sudo -n)
	fi
	# The lists may be old or missing; a source that does not answer is no reason not to try.
	"${sudo[@]}" apt-get -qq install --yes --no-install-recommends "${packages[@]}" >/dev/null 2>&1 && return
	"${sudo[@]}" apt-get -qq update >/dev/null 2>&1 || true
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "${packages[@]}" >/dev/null
}

there || install || true
if ! there; then
	echo "Mono is not installed and cannot be: install ${packages[*]}" >&2
	if [ "${GENLOCK_ENGINES:-}" = required ]; then
		exit 1
	fi
	echo "WARNING: the tests of the Unity package will be skipped" >&2
fi
