# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# Debian packages as material for the guest images: fetched once, never installed
# on this machine. Sourced after hack/lib.sh.

# shellcheck disable=SC2154 # cache is lib.sh's
debs=$cache/debs

# Prints the file names of packages, which may be NAME=VERSION. While apt-get update
# runs elsewhere, apt leaves packages out and does not call that an error.
file_names() { # PACKAGE...
	local tries listing
	for tries in {1..10}; do
		if listing=$(apt-get download --print-uris -qq "$@") && (($(wc -l <<<"$listing") == $#)); then
			awk '{ print $2 }' <<<"$listing" | sort
			return
		fi
		sleep "$((tries / 3))"
	done
	die "apt on this machine does not know all of: $*; it must be Debian 12 on amd64: run apt-get update"
}

# Prints the files of packages; fetches what is missing.
fetch() { # PACKAGE...
	local name names missing=() fresh
	names=$(file_names "$@")
	for name in $names; do
		[[ -e $debs/$name ]] || missing+=("$name")
	done
	if ((${#missing[@]} > 0)); then
		mkdir -p "$debs"
		fresh=$(mktemp -d "$debs/fetch.XXXXXX")
		say "fetching ${#missing[@]} packages"
		if ! (cd "$fresh" && apt-get download -qq -o APT::Sandbox::User=root "$@") >&2; then
			rm -rf "$fresh"
			die "cannot fetch packages; see the message of apt-get above, or run: apt-get update"
		fi
		mv "$fresh"/*.deb "$debs"
		rm -r "$fresh"
	fi
	for name in $names; do
		echo "$debs/$name"
	done
}

unpack() { # DIR DEB...
	local dir=$1 deb
	shift
	mkdir -p "$dir"
	for deb in "$@"; do
		dpkg-deb -x "$deb" "$dir"
	done
}

# Prints the folder that holds vmlinuz and lib/modules of Debian's kernel for
# virtual machines, and makes it when it is not there.
kernel() {
	local package version
	package=$(apt-cache show --no-all-versions linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^Depends: \([^ ]*\) (= \(.*\))$/\1=\2/p')
	[[ -n $package ]] || die "apt on this machine does not know linux-image-cloud-amd64; it must be Debian 12 on amd64: run apt-get update"
	version=${package#*=}
	once "$cache/kernel/${package/=/_}" make_kernel "${package%=*}" "$version"
	echo "$cache/kernel/${package/=/_}"
}

make_kernel() { # PACKAGE VERSION DIR
	local release=${1#linux-image-} version=$2 dir=$3 work deb
	work=$dir.work
	rm -rf "$work"
	mkdir -p "$dir"
	deb=$(fetch "$1=$version")
	unpack "$work/image" "$deb"
	mv "$work/image/boot/vmlinuz-$release" "$dir/vmlinuz"
	mv "$work/image/lib" "$dir/lib"
	add_ahci "$release" "$version" "$dir" "$work"
	depmod -b "$dir" "$release"
	rm -rf "$work"
}

# Of all that a virtual machine has, Debian leaves only the driver of SATA
# controllers out of this kernel. The one for all machines has it, but takes three
# times as long to start where QEMU must interpret it. So the driver is compiled,
# from the same source and with the same configuration as the kernel.
add_ahci() { # RELEASE VERSION DIR WORK
	local release=$1 version=$2 dir=$3 work=$4 common debs_of_kernel build=$4/ahci
	common=linux-headers-${release%-cloud-amd64}-common
	debs_of_kernel=$(fetch "linux-headers-$release=$version" "$common=$version" linux-kbuild-6.1 "linux-source-6.1=$version")
	local source headers=()
	source=$(grep /linux-source- <<<"$debs_of_kernel")
	mapfile -t headers < <(grep -v /linux-source- <<<"$debs_of_kernel")
	unpack "$work/kbuild" "${headers[@]}"
	sed -i "s|/usr/src|$work/kbuild/usr/src|" "$work/kbuild/usr/src/linux-headers-$release/Makefile"

	say "compiling the driver of SATA controllers"
	mkdir -p "$build"
	# tar ends after the fourth file, and its end is what ends the programs before it.
	{
		dpkg-deb --fsys-tarfile "$source" | tar -xO ./usr/src/linux-source-6.1.tar.xz | xz -dc |
			tar -x --occurrence=1 --strip-components=3 -C "$build" \
				linux-source-6.1/drivers/ata/{ahci.c,ahci.h,libahci.c,libata.h}
	} 2>/dev/null || [[ -e $build/ahci.c && -e $build/libata.h ]]
	printf 'obj-m := ahci.o libahci.o\nccflags-y := -DCONFIG_SATA_MOBILE_LPM_POLICY=0\n' >"$build/Makefile"
	make -C "$work/kbuild/usr/src/linux-headers-$release" "M=$build" modules >"$work/make.log" 2>&1 || {
		cat "$work/make.log" >&2
		die "cannot compile the driver of SATA controllers; it takes gcc 12, as in Debian 12"
	}
	strip --strip-debug "$build"/*.ko
	install -D -t "$dir/lib/modules/$release/kernel/drivers/ata" -m 644 "$build"/*.ko
	rm -f "$source" # the largest of all, and not needed again
}

# Copies the modules that a file names, and all that they need, below a root folder.
copy_modules() { # KERNEL_DIR LIST ROOT
	local release list
	release=$(basename "$1"/lib/modules/*)
	mapfile -t list <"$2"
	modprobe -d "$1" -S "$release" -D -a "${list[@]}" |
		sed -n "s|^insmod $1/\(.*\.ko\).*|\1|p" | sort -u |
		(cd "$1" && xargs cp --parents -t "$3")
	cp -t "$3/lib/modules/$release" "$1/lib/modules/$release"/modules.{builtin,builtin.modinfo,order}
	depmod -b "$3" "$release"
}

# Copies programs below a root folder, with the shared libraries that they need.
copy_programs() { # FROM ROOT PROGRAM...
	local from=$1 to=$2 program library dir
	shift 2
	local queue=("$@")
	while ((${#queue[@]} > 0)); do
		program=${queue[0]}
		queue=("${queue[@]:1}")
		[[ ! -e $to/$program ]] || continue
		install -D -m 755 "$from/$program" "$to/$program"
		while read -r library; do
			for dir in lib usr/lib; do
				dir=$dir/x86_64-linux-gnu
				[[ ! -e $from/$dir/$library ]] || queue+=("$dir/$library")
			done
		done < <(objdump -p "$from/$program" | awk '$1 == "NEEDED" { print $2 }')
	done
}
