#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# Makes a disk image of a real Debian 12, to test virtual machines with: systemd,
# cloud-init, the QEMU guest agent and an SSH server, and nothing to spare.
#
#   hack/debian-image.sh OUT.qcow2
#
# The guest boots from virtio, SCSI and SATA disks, with BIOS and UEFI, heeds
# NoCloud and ConfigDrive seeds, and has its console on the first serial port.
# Nobody can log in without a seed. The image is kept in the cache until Debian
# publishes a newer version of one of its packages: making it takes a minute.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$root/hack/guest
self=$root/hack/debian-image.sh
# shellcheck source=hack/lib.sh
. "$root/hack/lib.sh"
# shellcheck source=hack/guest/packages.sh
. "$here/packages.sh"
# shellcheck source=hack/guest/disk.sh
. "$here/disk.sh"

label=debian-guest
root_mib=1024
release=bookworm
packages=(ca-certificates cloud-guest-utils cloud-init curl dbus e2fsprogs iproute2 iputils-ping
	kmod libpam-systemd login netbase openssh-server procps qemu-guest-agent sudo systemd-resolved
	systemd-sysv udev)

# The sources that this machine's apt trusts, so that a mirror is heeded here too.
sources() {
	# shellcheck disable=SC2016 # apt-get expands it
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
		awk -v release="$release" '
			$3 == "main" && ($2 == release || index($2, release "-") == 1) && !seen[$0]++ { print "deb", $0 }'
}

# What the packages do not bring, written below the root by mmdebstrap.
configure() { # ROOT
	mkdir -p "$1"/etc/{cloud/cloud.cfg.d,systemd/system/{serial-getty@,getty@}.service.d}
	echo "LABEL=$label / ext4 errors=remount-ro 0 1" >"$1/etc/fstab"
	cat >"$1/etc/cloud/cloud.cfg.d/90_guest.cfg" <<-END
		datasource_list: [NoCloud, ConfigDrive, None]
		ssh_genkeytypes: [ed25519]
		# Each module costs time, and these do all that a test asks for.
		cloud_config_modules: [timezone, set-passwords, runcmd]
		cloud_final_modules:
		- package-update-upgrade-install
		- write-files-deferred
		- scripts-per-once
		- scripts-per-boot
		- scripts-per-instance
		- scripts-user
		- phone-home
		- final-message
		- power-state-change
	END
	# Who is asked to log in can: the passwords of the seed are set by then.
	local getty
	for getty in serial-getty getty; do
		printf '[Unit]\nAfter=cloud-config.service\n' >"$1/etc/systemd/system/$getty@.service.d/seed.conf"
	done
	# Look for a seed whenever there may be one: the drive need not be there when systemd starts.
	echo 'policy: enabled' >"$1/etc/cloud/ds-identify.cfg"
	echo debian >"$1/etc/hostname"
	ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
	# Each guest makes its own at the first boot.
	: >"$1/etc/machine-id"
	rm -f "$1"/etc/ssh/ssh_host_*
	# These only cost time in a guest that lives for a test.
	local unit
	for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer; do
		ln -sf /dev/null "$1/etc/systemd/system/$unit"
	done
}

bootstrap() { # TAR
	local list
	list=$(sources)
	[[ -n $list ]] || die "apt on this machine has no source of Debian 12 ($release); add one to /etc/apt/sources.list"
	# shellcheck disable=SC2016 # mmdebstrap's shell expands it
	mmdebstrap --quiet --variant=minbase --include="${packages[*]}" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
		--customize-hook="'$self' configure-root \"\$1\"" \
		--customize-hook='chroot "$1" systemctl -q enable systemd-networkd systemd-resolved' \
		"$release" "$1" "$list"
}

# One run of fakeroot, where it is one: it forgets who owns what when it ends.
make_root_from() { # TAR KERNEL_DIR TREE FILE
	mkdir "$3"
	tar -x -C "$3" --numeric-owner -f "$1"
	cp -r "$2/lib/modules" "$3/usr/lib/modules"
	make_root "$3" "$label" "$root_mib" "$4"
}

make_image() { # KERNEL_DIR FILE
	local work=$2.work files
	rm -rf "$work"
	mkdir -p "$work"
	files=$(fetch "${boot_packages[@]}")
	mapfile -t files <<<"$files"
	unpack "$work/packages" "${files[@]}"
	say "installing Debian $release, once"
	bootstrap "$work/root.tar"
	as_guest_root "$self" make-root "$work/root.tar" "$1" "$work/tree" "$work/root.ext4"
	make_initramfs "$1" "$work/packages" "$work" "$work/initrd"
	make_boot "$1" "$work/initrd" "$work/packages" "$label" "$work" "$work/boot.fat"
	join_disk "$work/boot.fat" "$work/root.ext4" "$work/packages" "$work" "$2"
	rm -rf "$work"
}

# The versions of the named packages stand for those of all that they need.
image_key() { # KERNEL_DIR
	{
		basename "$1"
		file_names "${packages[@]}" "${boot_packages[@]}"
		find "${BASH_SOURCE[0]}" "$here/initramfs" "$here"/*.sh -type f -print0 | sort -z | xargs -0 cat
	} | sha256sum | cut -c 1-16
}

export PATH=$PATH:/usr/sbin:/sbin
case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
configure-root)
	configure "$2"
	exit 0
	;;
make-root)
	shift
	make_root_from "$@"
	exit 0
	;;
esac
if (($# != 1)) || [[ $1 == -* ]]; then
	usage >&2
	exit 2
fi
need apt-get cpio depmod dpkg-deb fakeroot gcc make mcopy mkfs.ext4 mkfs.fat mmdebstrap modprobe objdump qemu-img sfdisk xz zstd
[[ $(uname -m) == x86_64 ]] || die "the guest is made for x86-64 only; run this on such a machine"

kernel_dir=$(kernel)
image=$cache/images/debian-$(image_key "$kernel_dir").qcow2
once "$image" make_image "$kernel_dir"
mkdir -p "$(dirname "$1")"
cp --reflink=auto "$image" "$1"
say "made $1 ($(du -m "$1" | cut -f 1) MiB)"
