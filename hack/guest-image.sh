#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Makes a small disk image to try and test virtual machines with, from Debian
# packages and without root.
#
#   hack/guest-image.sh OUT.qcow2
#
# The guest boots within seconds from virtio, SCSI and SATA disks, with BIOS and
# UEFI. It takes an address from DHCP, heeds a NoCloud or ConfigDrive seed (see
# hack/guest/seed), serves SSH, answers the QEMU guest agent's questions, and lets
# one log in on the serial console: as guest, password guest, unless a seed says
# other. "virt-guest ready HOSTNAME" on the console says that it is up.
#
# What was fetched and made is kept in the cache: the second run takes a second.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$root/hack/guest
# shellcheck source=hack/lib.sh
. "$root/hack/lib.sh"
# shellcheck source=hack/guest/packages.sh
. "$here/packages.sh"
# shellcheck source=hack/guest/disk.sh
. "$here/disk.sh"

label=virt-guest
root_mib=96
packages=("${boot_packages[@]}" dropbear-bin e2fsprogs qemu-guest-agent
	libblkid1 libc6 libcom-err2 libcrypt1 libext2fs2 libglib2.0-0 libgmp10 libnuma1
	libpcre2-8-0 libtomcrypt1 libtommath1 libudev1 liburing2 libuuid1
	netcat-traditional openssh-sftp-server zlib1g)
programs=(usr/sbin/dropbear usr/bin/dropbearkey usr/sbin/qemu-ga sbin/resize2fs
	bin/nc.traditional usr/lib/sftp-server)

make_tree() { # KERNEL_DIR PACKAGES_DIR SEED TREE
	local tree=$4 applet
	mkdir -p "$tree"/{boot,dev,etc/dropbear,home,mnt,proc,root,run,sys,tmp}
	mkdir -p "$tree"/usr/{bin,sbin,lib,lib64} "$tree"/var/{lib,log,spool}
	ln -s usr/{bin,sbin,lib,lib64} "$tree"
	ln -s ../run "$tree/var/run"
	cp -r "$here/rootfs/." "$tree"
	chmod -R u=rwX,go=rX "$tree"
	chmod 755 "$tree"/etc/{acpi/PWRF/00000080,init.d/*,udhcpc/default.script} "$tree"/usr/bin/* "$tree"/usr/sbin/*
	chmod 600 "$tree"/etc/{shadow,securetty}
	chmod 700 "$tree/root"
	mkdir -m 755 "$tree/home/guest"

	copy_programs "$2" "$tree" "${programs[@]}" lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
	ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$tree/usr/lib64"
	install -m 755 "$3" "$tree/usr/sbin/seed"
	# su is the one applet that must be root's for everybody.
	install -m 4755 "$2/bin/busybox" "$tree/usr/bin/busybox"
	for applet in $("$2/bin/busybox" --list); do
		[[ -e $tree/usr/sbin/$applet || -e $tree/usr/bin/$applet ]] || ln -s busybox "$tree/usr/bin/$applet"
	done
	ln -s ../bin/busybox "$tree/usr/sbin/init"
	ln -s ../bin/busybox "$tree/usr/sbin/getty"
	copy_modules "$1" "$here/rootfs/etc/modules" "$tree"
}

make_image() { # KERNEL_DIR SEED FILE
	local work=$3.work files
	rm -rf "$work"
	mkdir -p "$work"/{packages,tree}
	files=$(fetch "${packages[@]}")
	mapfile -t files <<<"$files"
	unpack "$work/packages" "${files[@]}"
	make_tree "$1" "$work/packages" "$2" "$work/tree"
	make_initramfs "$1" "$work/packages" "$work" "$work/initrd"
	make_boot "$1" "$work/initrd" "$work/packages" "$label" "$work" "$work/boot.fat"
	make_root "$work/tree" "$label" "$root_mib" "$work/root.ext4"
	join_disk "$work/boot.fat" "$work/root.ext4" "$work/packages" "$work" "$3"
	rm -rf "$work"
}

# Whatever the image is made of is in its key.
image_key() { # KERNEL_DIR SEED
	{
		basename "$1"
		file_names "${packages[@]}"
		cat "$2"
		find "${BASH_SOURCE[0]}" "$here/initramfs" "$here/rootfs" "$here"/*.sh -type f -print0 | sort -z | xargs -0 cat
	} | sha256sum | cut -c 1-16
}

case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
esac
if (($# != 1)) || [[ $1 == -* ]]; then
	usage >&2
	exit 2
fi
export PATH=$PATH:/usr/sbin:/sbin
need apt-get cpio depmod dpkg-deb fakeroot gcc go make mcopy mkfs.ext4 mkfs.fat modprobe objdump qemu-img sfdisk xz zstd
[[ $(uname -m) == x86_64 ]] || die "the guest is made for x86-64 only; run this on such a machine"

kernel_dir=$(kernel)
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
seed=$scratch/seed
(cd "$root" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$seed" ./hack/guest/seed)
image=$cache/images/guest-$(image_key "$kernel_dir" "$seed").qcow2
once "$image" make_image "$kernel_dir" "$seed"
mkdir -p "$(dirname "$1")"
cp --reflink=auto "$image" "$1"
say "made $1 ($(du -m "$1" | cut -f 1) MiB)"
