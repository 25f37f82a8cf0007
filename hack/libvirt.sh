#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Sees to it that libvirt runs on this machine and answers, and says what it did.
#
#   hack/libvirt.sh           start what does not run yet
#   hack/libvirt.sh --check   start nothing; fail when libvirt does not answer
#
# Where systemd is PID 1 it starts libvirt's units, elsewhere the daemons. Running
# guests are never touched: a libvirt that starts again finds them.
set -euo pipefail
# shellcheck source=hack/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

uri=qemu:///system
log=/var/log/libvirt/libvirtd.log

answer() {
	timeout "${1:-10}" virsh -q -c "$uri" version 2>&1 | tail -n 1
}

answers() { # [SECONDS]
	answer "$@" | grep -q '^Running hypervisor'
}

# The system's own daemon, that is: others may run theirs with a pid file elsewhere.
running() { # DAEMON
	local pid name state
	pid=$(cat "/run/$1.pid" 2>/dev/null) || return 1
	read -r _ name state _ 2>/dev/null <"/proc/$pid/stat" || return 1
	[[ $name == "($1)" && $state != Z ]]
}

# On a machine without udev /dev/kvm belongs to root alone. libvirt then finds KVM
# when it probes QEMU (as root) and loses it when it looks again (as libvirt-qemu),
# so it probes QEMU anew, for seconds, at every request. This is what udev would do.
open_kvm() {
	[[ -c /dev/kvm && ! -e /run/udev/control ]] || return 0
	[[ $(stat -c %a:%G /dev/kvm) != 66[06]:kvm ]] || return 0
	getent group kvm >/dev/null || return 0
	as_root chgrp kvm /dev/kvm
	as_root chmod 660 /dev/kvm
	say "gave /dev/kvm to the group kvm, as udev does"
}

start_units() {
	local unit units=(virtlogd.socket)
	if systemctl cat virtqemud.socket >/dev/null 2>&1 && ! systemctl cat libvirtd.service >/dev/null 2>&1; then
		for unit in virtqemud virtqemud-ro virtqemud-admin; do units+=("$unit.socket"); done
	else
		for unit in libvirtd libvirtd-ro; do units+=("$unit.socket"); done
	fi
	say "starting ${units[*]}"
	as_root systemctl start "${units[@]}"
}

start_daemons() {
	local daemon=libvirtd
	command -v libvirtd >/dev/null || daemon=virtqemud
	as_root mkdir -p "${log%/*}"
	if ! running virtlogd; then
		say "starting virtlogd"
		as_root virtlogd -d
	fi
	if running "$daemon"; then
		return
	fi
	# A QEMU that ends becomes a zombie of its adopter, and libvirt waits until that
	# is reaped. Not every PID 1 is quick at it, but tini is.
	if command -v tini >/dev/null; then
		say "starting $daemon below tini"
		as_root setsid -f bash -c "exec tini -s -- $daemon </dev/null >>$log 2>&1"
	else
		say "starting $daemon"
		as_root "$daemon" -d
	fi
}

# libvirt starts no guest without virtlogd, but answers all the same.
lacks_virtlogd() { ! has_systemd && running libvirtd && ! running virtlogd; }

start() {
	open_kvm
	if answers && ! lacks_virtlogd; then
		return
	fi
	if has_systemd; then start_units; else start_daemons; fi
	local deadline=$((SECONDS + 60))
	until answers 5; do
		if ((SECONDS > deadline)); then
			die "libvirt was started, but does not answer: $(answer); see $log or journalctl -u libvirtd"
		fi
		sleep 0.1
	done
}

export PATH=$PATH:/usr/sbin:/sbin
case ${1:-} in
'' | --check) ;;
-h | --help)
	usage
	exit 0
	;;
*)
	usage >&2
	exit 2
	;;
esac

if ! command -v virsh >/dev/null || ! command -v libvirtd >/dev/null && ! command -v virtqemud >/dev/null; then
	die "libvirt is not installed; run: hack/install-deps.sh run"
fi
if [[ ${1:-} == --check ]]; then
	answers || die "libvirt does not answer at $uri: $(answer); run: hack/libvirt.sh"
	exit 0
fi
if ((EUID != 0)) && answers; then
	exit 0
fi

lock=${XDG_RUNTIME_DIR:-/tmp}/virt-apiserver-libvirt.lock
((EUID != 0)) || lock=/run/virt-apiserver-libvirt.lock
# The daemons must not inherit the lock: they would hold it for as long as they live.
(
	flock 9
	start 9>&-
) 9>"$lock"
say "libvirt answers at $uri ($(virsh -q -c "$uri" version | tail -n 1))"
