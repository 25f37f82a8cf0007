// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"io"
	"strings"
)

const (
	isoDescriptor  = 16 * 2048 // where ISO 9660 keeps its primary volume descriptor
	isoLabel       = 40
	fatLabel16     = 43
	fatLabel32     = 71
	fatLabelLength = 11
)

// volume returns the file system and the label of a volume that may hold a seed,
// and "", "" for anything else.
func volume(device io.ReaderAt) (filesystem, label string) {
	descriptor := make([]byte, isoLabel+32)
	if _, err := device.ReadAt(descriptor, isoDescriptor); err == nil && string(descriptor[1:6]) == "CD001" {
		return "iso9660", trim(descriptor[isoLabel:])
	}
	boot := make([]byte, 512)
	if _, err := device.ReadAt(boot, 0); err != nil || binary.LittleEndian.Uint16(boot[510:]) != 0xaa55 {
		return "", ""
	}
	for _, at := range []int{fatLabel16, fatLabel32} {
		if kind := boot[at+fatLabelLength:]; strings.HasPrefix(string(kind), "FAT") {
			return "vfat", trim(boot[at : at+fatLabelLength])
		}
	}
	return "", ""
}

func trim(label []byte) string {
	return strings.TrimRight(string(label), " \x00")
}
