# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# What the scripts of this folder share. Sourced, never run.

# The cache is safe to delete at any time: every entry is made again when needed.
# shellcheck disable=SC2034 # read by the scripts that source this file
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virt-apiserver

shopt -s inherit_errexit

say() { echo "${0##*/}: $*" >&2; }

die() { # MESSAGE, with the remedy in it
	say "$*"
	exit 1
}

# Prints the leading comment of the script that runs, less the licence line.
usage() {
	sed -n '/^# SPDX/d; /^#!/d; /^$/d; /^#/!q; s/^# \{0,1\}//p' "$0"
}

need() { # COMMAND...
	local command missing=()
	for command in "$@"; do
		command -v "$command" >/dev/null || missing+=("$command")
	done
	((${#missing[@]} == 0)) || die "not found: ${missing[*]}; run: hack/install-deps.sh"
}

as_root() { # COMMAND ARG...
	if ((EUID == 0)); then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "must be root to run \"$*\", and there is no sudo; run this script as root"
	fi
}

has_systemd() { [[ -d /run/systemd/system ]]; }

# Runs a command that writes FILE unless FILE is there. Runs at the same time wait
# for one another, and a run that fails or is killed leaves no FILE behind.
once() { # FILE COMMAND ARG...: COMMAND gets the path to write as its last argument
	local file=$1 fresh
	shift
	[[ ! -e $file ]] || return 0
	mkdir -p "${file%/*}"
	(
		flock 9
		[[ ! -e $file ]] || exit 0
		fresh=$file.partial
		rm -rf "$fresh"
		"$@" "$fresh"
		mv -T "$fresh" "$file"
	) 9>"$file.lock"
}
