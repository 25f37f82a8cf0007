#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Installs the Debian packages that are still missing for the named purposes, or
# for build, run and test when none is named. Does nothing when all are there.
#
#   hack/install-deps.sh [build|run|test|cluster]...
#
#   build    compile virt-launcher (the one program that uses cgo)
#   run      run virtual machines: libvirt, QEMU and their firmware
#   test     make the guest images and run the tests
#   cluster  run containers on the test cluster
set -euo pipefail
# shellcheck source=hack/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

packages_for() { # PURPOSE
	case $1 in
	build)
		echo gcc libc6-dev libvirt-dev pkg-config
		;;
	run)
		echo libvirt-clients libvirt-daemon libvirt-daemon-system
		echo ipxe-qemu ovmf qemu-system-x86 qemu-utils seabios swtpm swtpm-tools
		echo acl iproute2 nftables tini util-linux
		;;
	test)
		echo ca-certificates curl jq make openssh-client openssl shellcheck socat sshpass
		echo dosfstools e2fsprogs fakeroot fdisk genisoimage kmod mount mtools xorriso
		echo binutils cpio mmdebstrap
		echo bzip2 gzip xz-utils zstd
		# Node.js from elsewhere brings npm along, and is at odds with Debian's.
		command -v npm >/dev/null || echo nodejs npm
		command -v python3 >/dev/null || echo python3
		;;
	cluster)
		echo conntrack containerd containernetworking-plugins iproute2 iptables runc
		;;
	*)
		say "unknown purpose \"$1\""
		usage >&2
		exit 2
		;;
	esac
}

missing_of() { # PACKAGE...
	dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null |
		awk -v wanted="$*" '
			/^ii / { there[$2] = 1 }
			END {
				n = split(wanted, names, " ")
				for (i = 1; i <= n; i++) if (!there[names[i]]) print names[i]
			}' || true
}

# Without systemd as PID 1 a package that starts its service as it is installed can
# fail for that alone. Debian's way to say "start nothing" is a policy-rc.d.
forbid_services() {
	local policy=/usr/sbin/policy-rc.d
	if has_systemd || [[ -e $policy ]]; then
		return 0
	fi
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
	# shellcheck disable=SC2064 # the path is known now
	trap "as_root rm -f $policy" EXIT
}

apt() { # ARG...
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
	usage
	exit 0
fi
(($# > 0)) || set -- build run test
wanted=()
for purpose in "$@"; do
	list=$(packages_for "$purpose")
	read -r -d '' -a names <<<"$list" || true
	wanted+=("${names[@]}")
done

command -v apt-get >/dev/null ||
	die "this is not Debian or a relative of it; install what these packages hold in your system's own way: ${wanted[*]}"
mapfile -t missing < <(missing_of "${wanted[@]}")
((${#missing[@]} > 0)) || exit 0

say "installing: ${missing[*]}"
forbid_services
# One source of many that is down need not matter: whether it does, install tells.
apt update || say "not all package lists could be brought up to date"
apt install -y --no-install-recommends "${missing[@]}" ||
	die "apt-get could not install the packages; see its message above, and check the network and /etc/apt/sources.list"
