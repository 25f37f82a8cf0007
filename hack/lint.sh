#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Runs the static checks: go vet and staticcheck.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

go vet ./...
mapfile -t packages < <(go list ./cmd/... ./pkg/... ./test/... | grep -v /pkg/generated/)
go tool staticcheck "${packages[@]}"
