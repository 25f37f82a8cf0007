#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Generates deepcopy functions, OpenAPI definitions, the clients, the reference of fields and the roles.
#   hack/generate.sh            writes them
#   hack/generate.sh --verify   fails when what is committed is not what would be written
set -euo pipefail
cd "$(dirname "$0")/.."

module=github.com/virt-apiserver/virt-apiserver
apis=("$module/pkg/apis/kubevirt/v1" "$module/pkg/apis/cdi/v1beta1" "$module/pkg/apis/instancetype/v1beta1" "$module/pkg/apis/clone/v1beta1")
models=("${apis[@]}" "$module/pkg/apis/verbatim" "$module/pkg/apis/subresources/v1" "$module/pkg/standalone/core/apiextensions")

# What the served documents need of Kubernetes' own packages, whose sources are read-only.
upstream=(
	k8s.io/apimachinery/pkg/apis/meta/v1
	k8s.io/apimachinery/pkg/api/resource
	k8s.io/apimachinery/pkg/runtime
	k8s.io/apimachinery/pkg/util/intstr
	k8s.io/apimachinery/pkg/version
	k8s.io/api/authorization/v1
	k8s.io/api/core/v1
	k8s.io/api/storage/v1
)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
header=hack/boilerplate.go.txt
if [[ ${1:-} == --verify ]]; then
	mkdir "$work/tree"
	cp -r go.mod go.sum pkg hack artifacts "$work/tree/"
	cd "$work/tree"
elif [[ $# -gt 0 ]]; then
	echo "usage: hack/generate.sh [--verify]" >&2
	exit 2
fi

readonly_args=()
for pkg in "${upstream[@]}"; do readonly_args+=(--readonly-pkg "$pkg"); done

go tool deepcopy-gen --go-header-file "$header" --output-file zz_generated.deepcopy.go "${models[@]}"

mkdir -p pkg/generated/openapi
go tool openapi-gen --go-header-file "$header" \
	--output-dir pkg/generated/openapi --output-pkg "$module/pkg/generated/openapi" \
	--output-file zz_generated.openapi.go --output-model-name-file zz_generated.model_name.go \
	--report-filename "$work/violations" "${readonly_args[@]}" "${upstream[@]}" "${models[@]}"

input=$(printf '%s,' "${apis[@]#"$module/pkg/apis/"}")
applypkg=$module/pkg/generated/applyconfiguration
rm -rf pkg/generated/{applyconfiguration,clientset,listers,informers}
go tool applyconfiguration-gen --go-header-file "$header" \
	--output-dir pkg/generated/applyconfiguration --output-pkg "$applypkg" "${apis[@]}"
go tool client-gen --go-header-file "$header" --clientset-name versioned \
	--input-base "$module/pkg/apis" --input "${input%,}" --apply-configuration-package "$applypkg" \
	--output-dir pkg/generated/clientset --output-pkg "$module/pkg/generated/clientset"
go tool lister-gen --go-header-file "$header" \
	--output-dir pkg/generated/listers --output-pkg "$module/pkg/generated/listers" "${apis[@]}"
go tool informer-gen --go-header-file "$header" \
	--versioned-clientset-package "$module/pkg/generated/clientset/versioned" \
	--listers-package "$module/pkg/generated/listers" \
	--output-dir pkg/generated/informers --output-pkg "$module/pkg/generated/informers" "${apis[@]}"
gofmt -w pkg/generated
mkdir -p pkg/generated/reference
go run ./hack/fields >"$work/fields.md"
mv "$work/fields.md" pkg/generated/reference/fields.md
go run ./hack/roles >"$work/roles.yaml"
mv "$work/roles.yaml" artifacts/cluster/roles.yaml

if [[ ${1:-} == --verify ]]; then
	if ! { diff -ru "$OLDPWD/pkg" pkg && diff -ru "$OLDPWD/artifacts" artifacts; } >"$work/diff"; then
		head -n 40 "$work/diff" >&2
		echo "generated code is not current: run 'make generate' and commit the result" >&2
		exit 1
	fi
	echo "generated code is current"
fi
