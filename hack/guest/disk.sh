# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# A disk that boots from any bus with BIOS and UEFI, Secure Boot too, made without
# root and without mounts. Sourced after packages.sh.
#
#   sector 0     partition table; its boot code starts what the active partition holds
#   partition 1  FAT: kernel, initramfs, syslinux for BIOS, shim and GRUB for UEFI
#   partition 2  ext4: the root file system; it grows to the end of the disk at boot

# shellcheck disable=SC2034 # for those who source this file
boot_packages=(busybox-static grub-efi-amd64-signed shim-signed syslinux syslinux-common)

sector=512
start=2048 # of the first partition, in sectors: 1 MiB, as everywhere

# Root's own files must be root's in the guest, whoever makes the image.
as_guest_root() { # COMMAND...
	if ((EUID == 0)); then "$@"; else fakeroot -- "$@"; fi
}

# The initramfs is small, as the firmware reads it: it only finds the root.
make_initramfs() { # KERNEL_DIR PACKAGES_DIR WORK FILE
	local tree=$3/initramfs applet
	mkdir -p "$tree"/{bin,dev,etc,proc,root,sys}
	cp "$2/bin/busybox" "$tree/bin"
	for applet in sh mount umount modprobe findfs blockdev cat dd printf readlink sleep switch_root; do
		ln -s busybox "$tree/bin/$applet"
	done
	install -m 755 "$here/initramfs/init" "$tree/init"
	cp "$here/initramfs/modules" "$tree/etc/modules"
	copy_modules "$1" "$here/initramfs/modules" "$tree"
	(cd "$tree" && find . -print0 | sort -z | cpio -0 -o -H newc -R 0:0 --quiet) | zstd -q -19 -o "$4"
}

# The FAT partition. All loaders start the same kernel with the same words.
make_boot() { # KERNEL_DIR INITRAMFS PACKAGES_DIR ROOT_LABEL WORK FILE
	local kernel=$1/vmlinuz initramfs=$2 packages=$3 label=$4 tree=$5/boot fat=$6 entry
	# On a busy host an emulated timer ticks too late for the kernel's check of it, which ends in a panic.
	local words="root=LABEL=$label console=tty0 console=ttyS0,115200n8 quiet no_timer_check"
	mkdir -p "$tree"/EFI/{BOOT,debian}
	cp "$kernel" "$tree/vmlinuz"
	cp "$initramfs" "$tree/initrd"
	cat >"$tree/syslinux.cfg" <<-END
		DEFAULT linux
		PROMPT 0
		LABEL linux
		LINUX /vmlinuz
		INITRD /initrd
		APPEND $words
	END
	# Debian's signed GRUB looks for its configuration here and nowhere else.
	cat >"$tree/EFI/debian/grub.cfg" <<-END
		linux /vmlinuz $words
		initrd /initrd
		boot
	END
	cp "$packages/usr/lib/shim/shimx64.efi.signed" "$tree/EFI/BOOT/BOOTX64.EFI"
	cp "$packages/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$tree/EFI/BOOT/grubx64.efi"

	truncate -s "$(($(du -sm "$tree" | cut -f 1) + 2))M" "$fat"
	mkfs.fat -F 16 -n BOOT -i 76697274 "$fat" >/dev/null
	for entry in "$tree"/*; do
		mcopy -s -i "$fat" "$entry" ::/
	done
	"$packages/usr/bin/syslinux" -i "$fat"
}

make_root() { # TREE LABEL MIB FILE
	truncate -s "$3M" "$4"
	as_guest_root mkfs.ext4 -q -L "$2" -b 4096 -m 0 -E lazy_itable_init=1,lazy_journal_init=1 -d "$1" "$4"
}

# The whole disk, as a compressed qcow2.
join_disk() { # FAT ROOT PACKAGES_DIR WORK FILE
	local fat=$1 root=$2 packages=$3 raw=$4/disk.raw file=$5 fat_sectors root_sectors root_start
	fat_sectors=$(($(stat -c %s "$fat") / sector))
	root_sectors=$(($(stat -c %s "$root") / sector))
	root_start=$((start + fat_sectors))
	truncate -s "$(((root_start + root_sectors) * sector))" "$raw"
	sfdisk -q "$raw" <<-END
		label: dos
		label-id: 0x76697274
		start=$start, size=$fat_sectors, type=ef, bootable
		start=$root_start, size=$root_sectors, type=83
	END
	dd if="$packages/usr/lib/syslinux/mbr/mbr.bin" of="$raw" bs=440 count=1 conv=notrunc status=none
	dd if="$fat" of="$raw" bs=1M oflag=seek_bytes seek=$((start * sector)) conv=notrunc,sparse status=none
	dd if="$root" of="$raw" bs=1M oflag=seek_bytes seek=$((root_start * sector)) conv=notrunc,sparse status=none
	qemu-img convert -q -f raw -O qcow2 -c "$raw" "$file"
}
