#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Builds tools that the tests need from Go modules and prints the path of each, one
# a line. A tool that was built before, at the version that hack/kube/go.mod or
# hack/virtctl/go.mod names, is not built again.
#
#   hack/tools.sh kubectl etcd kube-apiserver kube-controller-manager kube-scheduler kubelet virtctl
set -euo pipefail

modules=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virt-apiserver/tools

version_of() { # FOLDER MODULE: the version of MODULE that FOLDER's go.mod asks for
	awk -v module="$2" '{ sub(/^require[ (]*/, "") } $1 == module && $2 != "=>" { print $2; exit }' "$modules/$1/go.mod"
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

build() { # FOLDER PACKAGE LDFLAGS FILE
	local fresh
	fresh=$(mktemp "$4.XXXXXX")
	echo "building $(basename "$4") $(basename "$(dirname "$4")"), once" >&2
	if ! (cd "$modules/$1" && GOWORK=off GOFLAGS='' CGO_ENABLED=0 \
		go build -trimpath -ldflags "-s -w$3" -o "$fresh" "$2"); then
		rm -f "$fresh"
		echo "tools.sh: cannot build $2; see the message of go above" >&2
		return 1
	fi
	mv "$fresh" "$4"
}

tool() { # NAME
	local folder=kube package flags='' version
	case $1 in
	etcd)
		package=go.etcd.io/etcd/server/v3
		version=$(version_of kube $package)
		;;
	kubectl | kube-apiserver | kube-controller-manager | kube-scheduler | kubelet)
		package=k8s.io/kubernetes/cmd/$1
		version=$(version_of kube k8s.io/kubernetes)
		flags=$(kube_version_flags "$version")
		;;
	virtctl)
		folder=virtctl
		package=kubevirt.io/kubevirt/cmd/virtctl
		version=$(version_of virtctl kubevirt.io/kubevirt)
		flags=" -X kubevirt.io/client-go/version.gitVersion=$version"
		;;
	*)
		echo "tools.sh: unknown tool \"$1\"; known are: etcd kubectl kube-apiserver kube-controller-manager kube-scheduler kubelet virtctl" >&2
		return 2
		;;
	esac
	local file=$cache/$version/$1
	if [[ ! -x $file ]]; then
		mkdir -p "${file%/*}"
		# Another run may be building the same file: wait for it, then look again.
		(
			flock 9
			[[ -x $file ]] || build "$folder" "$package" "$flags" "$file"
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
