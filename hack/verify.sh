#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Checks that generated code is current, that go.mod is tidy, and formatting, licence lines and scripts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/lib.sh
. hack/lib.sh

mapfile -t gofiles < <(git ls-files '*.go')
mapfile -t scripts < <(git grep -lE '^#!/usr/bin/env bash' -- hack .ci test)

unformatted=$(gofmt -l "${gofiles[@]}")
[[ -z $unformatted ]] || die "gofmt would change these; run: gofmt -w"$'\n'"$unformatted"

unlicensed=$(grep -L 'SPDX-License-Identifier: Apache-2.0' "${gofiles[@]}" "${scripts[@]}" || true)
[[ -z $unlicensed ]] || die "these lack the line '// SPDX-License-Identifier: Apache-2.0':"$'\n'"$unlicensed"

shellcheck -x "${scripts[@]}"
go mod tidy -diff >/dev/null || die "go.mod is not tidy; run: go mod tidy"
go -C test/compat mod tidy -diff >/dev/null || die "test/compat/go.mod is not tidy; run: go -C test/compat mod tidy"
hack/generate.sh --verify
