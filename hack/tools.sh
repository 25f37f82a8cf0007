#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Builds tools of the test cluster from Go modules and prints the path of each,
# one a line. A tool that was built before, at the version that hack/kube/go.mod
# names, is not built again.
#
#   hack/tools.sh kubectl etcd kube-apiserver kube-controller-manager kube-scheduler kubelet
set -euo pipefail

module=$(cd "$(dirname "${BASH_SOURCE[0]}")/kube" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virt-apiserver/tools

version_of() { # MODULE
	awk -v module="$1" '$1 == module && $2 != "=>" { print $2; exit }' "$module/go.mod"
}

# Kubernetes decides by its own version which features are on, and a program that
# nobody stamped takes itself for v0.0.0.
kube_version_flags() { # VERSION
	local major minor package
	IFS=. read -r major minor _ <<<"${1#v}"
	for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
		echo -n " -X $package.gitVersion=$1 -X $package.gitMajor=$major -X $package.gitMinor=$minor"
		echo -n " -X $package.gitTreeState=clean"
	done
}

build() { # PACKAGE LDFLAGS FILE
	local fresh
	fresh=$(mktemp "$3.XXXXXX")
	echo "building $(basename "$3") $(basename "$(dirname "$3")"), once" >&2
	if ! (cd "$module" && GOWORK=off GOFLAGS='' CGO_ENABLED=0 \
		go build -trimpath -ldflags "-s -w$2" -o "$fresh" "$1"); then
		rm -f "$fresh"
		echo "tools.sh: cannot build $1; see the message of go above" >&2
		return 1
	fi
	mv "$fresh" "$3"
}

tool() { # NAME
	local package flags='' version
	case $1 in
	etcd)
		package=go.etcd.io/etcd/server/v3
		version=$(version_of $package)
		;;
	kubectl | kube-apiserver | kube-controller-manager | kube-scheduler | kubelet)
		package=k8s.io/kubernetes/cmd/$1
		version=$(version_of k8s.io/kubernetes)
		flags=$(kube_version_flags "$version")
		;;
	*)
		echo "tools.sh: unknown tool \"$1\"; known are: etcd kubectl kube-apiserver kube-controller-manager kube-scheduler kubelet" >&2
		return 2
		;;
	esac
	local file=$cache/$version/$1
	if [[ ! -x $file ]]; then
		mkdir -p "${file%/*}"
		# Another run may be building the same file: wait for it, then look again.
		(
			flock 9
			[[ -x $file ]] || build "$package" "$flags" "$file"
		) 9>"$file.lock"
	fi
	echo "$file"
}

if (($# == 0)); then
	echo "usage: hack/tools.sh TOOL..." >&2
	exit 2
fi
for name in "$@"; do
	tool "$name"
done
