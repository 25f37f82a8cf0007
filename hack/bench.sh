#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Measures what the design promises, each against its baseline in turns, and prints one table.
#
#   hack/bench.sh             measure P1 to P5; takes some minutes
#   ROWS=P1,P3 hack/bench.sh  measure these rows alone
#
# These may be set:
#   ROWS      rows to measure (P1,P2,P3,P4,P5)
#   ROUNDS    rounds of each row (what suits the row)
#   BIN_DIR   directory of programs to measure (bin, which is built first)
#   DATA_DIR  directory below which the servers keep their data (/var/tmp)
#   PROFILES  existing directory for heap profiles of P3, before and after (none)
# Servers, machines and domains that it starts are gone when it ends, also when it is interrupted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib.sh
. hack/lib.sh

if (($# > 0)); then
	usage >&2
	exit 2
fi
((EUID == 0)) || die "must be root: a server on its own runs guests as root; try: sudo -E hack/bench.sh"

hack/install-deps.sh build run
[[ -n ${BIN_DIR:-} ]] || make --no-print-directory build
hack/libvirt.sh
go build -o bin/bench ./test/bench

arguments=(-bin "${BIN_DIR:-bin}" -dir "${DATA_DIR:-/var/tmp}" -rounds "${ROUNDS:-0}" -profiles "${PROFILES:-}")
[[ -z ${ROWS:-} ]] || arguments+=(-rows "$ROWS")
exec bin/bench "${arguments[@]}"
