// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// HeadSize is how many first bytes Compression and Format want to see. A
// shorter head is only given for a shorter stream.
const HeadSize = 1024

// minImage is one sector: nothing shorter is a disk.
const minImage = 512

// The compressions that the importer undoes.
const (
	None = ""
	Gzip = "gzip"
	Xz   = "xz"
	Zstd = "zstd"
)

// The image formats that the importer reads.
const (
	Raw   = "raw"
	Qcow2 = "qcow2"
)

type magic struct {
	name   string
	offset int
	bytes  string
}

func (m magic) in(head []byte) bool {
	return len(head) >= m.offset && bytes.HasPrefix(head[m.offset:], []byte(m.bytes))
}

func find(table []magic, head []byte) string {
	for _, m := range table {
		if m.in(head) {
			return m.name
		}
	}
	return ""
}

func compressions() []magic {
	return []magic{
		{Gzip, 0, "\x1f\x8b"},
		{Xz, 0, "\xfd7zXZ\x00"},
		{Zstd, 0, "\x28\xb5\x2f\xfd"},
	}
}

// isSkippable says whether head begins a frame of metadata, with which zstd data may begin, and that of pzstd
// does.
func isSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte("\x2a\x4d\x18"))
}

// diskFormats are those that qemu-img can turn into qcow2; the names are its own.
func diskFormats() []magic {
	return []magic{
		{"qcow", 0, "QFI\xfb\x00\x00\x00\x01"},
		{"vmdk", 0, "KDMV"},
		{"vmdk", 0, "COWD"},
		{"vmdk", 0, "# Disk DescriptorFile"},
		{"vdi", 0x40, "\x7f\x10\xda\xbe"},
		{"vpc", 0, "conectix"},
		{"vhdx", 0, "vhdxfile"},
		{"qed", 0, "QED\x00"},
		{"parallels", 0, "WithoutFreeSpace"},
		{"parallels", 0, "WithouFreSpacExt"},
	}
}

// archives hold or wrap images in ways that the importer does not undo.
func archives() []magic {
	return []magic{
		{"bzip2", 0, "BZh"},
		{"lz4", 0, "\x04\x22\x4d\x18"},
		{"lz4", 0, "\x02\x21\x4c\x18"},
		{"lzip", 0, "LZIP\x01"},
		{"lzop", 0, "\x89LZO\x00\r\n\x1a\n"},
		{"lrzip", 0, "LRZI"},
		{"snappy", 0, "\xff\x06\x00\x00sNaPpY"},
		{"compress (.Z)", 0, "\x1f\x9d"},
		{"zip", 0, "PK\x03\x04"},
		{"7z", 0, "7z\xbc\xaf\x27\x1c"},
		{"RAR", 0, "Rar!\x1a\x07"},
		{"cabinet", 0, "MSCF\x00\x00\x00\x00"},
		{"WIM", 0, "MSWIM\x00\x00\x00"},
		{"xar", 0, "xar!\x00"},
		{"ar or deb", 0, "!<arch>\n"},
		{"cpio", 0, "07070"},
		{"tar or OVA", 0x101, "ustar"},
	}
}

// Compression names the compression that head begins, or None.
func Compression(head []byte) string {
	if isSkippable(head) {
		return Zstd
	}
	return find(compressions(), head)
}

// Format returns Raw or Qcow2, or says why head begins no image that can be
// imported. Whatever is not recognised is raw, as a disk may begin with anything.
func Format(head []byte) (string, error) {
	if len(head) < minImage {
		return "", failure.Permanent(failure.NotAnImage,
			"the source holds only %d bytes: no disk image is shorter than a sector, check the URL", len(head))
	}
	if name := find(diskFormats(), head); name != "" {
		return "", failure.Permanent(failure.UnsupportedFormat,
			"the image is %[1]s, which is not supported: convert it with \"qemu-img convert -f %[1]s -O qcow2 IN OUT.qcow2\" and import that", name)
	}
	if name := archive(head); name != "" {
		return "", failure.Permanent(failure.UnsupportedFormat,
			"the source is a %s file, which is not supported: unpack it and import the disk image inside (raw or qcow2, plain or compressed with gzip, xz or zstd)", name)
	}
	if name := Compression(head); name != None {
		return "", failure.Permanent(failure.UnsupportedFormat,
			"the image is compressed twice, the inner time with %s: compress it once", name)
	}
	if bytes.HasPrefix(head, []byte("QFI\xfb")) {
		return Qcow2, nil
	}
	if kind := textKind(head); kind != "" {
		return "", failure.Permanent(failure.NotAnImage,
			"the source is %s, not a disk image: check that the URL leads to the image itself, not to a page about it", kind)
	}
	return Raw, nil
}
