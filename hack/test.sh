#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Runs the tests, after installing and building what they need.
#
#   hack/test.sh all     verify, unit tests, then those on real guests and a real control plane
#   hack/test.sh unit    the tests below pkg and cmd alone; some of them need libvirt and QEMU
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib.sh
. hack/lib.sh

# repeat_failures runs tests, and tells once more at the end what failed: what they print before that is long.
repeat_failures() {
	local log
	log=$(mktemp)
	if "$@" 2>&1 | tee "$log"; then
		rm -f "$log"
		return
	fi
	printf '\nWhat failed:\n'
	awk '/Error Trace:/, /Test:  / { print; next } /--- FAIL|^FAIL|^panic:|DATA RACE/ { print }' "$log" | tail -n 150
	rm -f "$log"
	return 1
}

unit() {
	hack/install-deps.sh build run test
	hack/libvirt.sh
	repeat_failures go test -race -timeout 20m ./cmd/... ./pkg/... ./hack/...
}

all() {
	hack/install-deps.sh build run test
	hack/verify.sh
	make --no-print-directory build
	# Built here, as a cold build outlasts the limit of a test.
	hack/tools.sh kubectl etcd kube-apiserver kube-controller-manager virtctl
	unit
	# One after the other: each has the machine to itself. Results are not cached, as Go does not see what
	# the programs under test are made of.
	repeat_failures go test -race -count=1 -timeout 40m -p 1 ./test/...
	# A module of its own, as it needs KubeVirt's.
	(cd test/compat && repeat_failures go test -race -count=1 -timeout 15m -p 1 ./...)
}

case ${1:-} in
all) all ;;
unit) unit ;;
*)
	usage >&2
	exit 2
	;;
esac
