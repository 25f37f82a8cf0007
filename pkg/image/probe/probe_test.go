// SPDX-License-Identifier: Apache-2.0

package probe_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/probe"
)

// sector returns a sector with content at an offset.
func sector(at int, content string) []byte {
	b := make([]byte, probe.HeadSize)
	copy(b[at:], content)
	return b
}

func page(s string) []byte { return []byte(s + strings.Repeat(" text", 300)) }

func TestFormatTellsImagesFromEverythingElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		head    []byte
		format  string
		reason  string
		message string
	}{
		"qcow2":        {head: sector(0, "QFI\xfb\x00\x00\x00\x03"), format: probe.Qcow2},
		"zeros":        {head: sector(0, ""), format: probe.Raw},
		"boot sector":  {head: sector(510, "\x55\xaa"), format: probe.Raw},
		"ISO":          {head: sector(0x8001%1024, "CD001"), format: probe.Raw},
		"short":        {head: make([]byte, 511), reason: failure.NotAnImage, message: "511 bytes"},
		"HTML":         {head: page("\n<!doctype HTML><html>"), reason: failure.NotAnImage, message: "HTML"},
		"XML":          {head: page(`<?xml version="1.0"?><Error>`), reason: failure.NotAnImage, message: "XML"},
		"JSON":         {head: page(`{"message": "not found"}`), reason: failure.NotAnImage, message: "text"},
		"text":         {head: page("version https://git-lfs"), reason: failure.NotAnImage, message: "text"},
		"qcow":         {head: sector(0, "QFI\xfb\x00\x00\x00\x01"), reason: failure.UnsupportedFormat, message: "qemu-img convert -f qcow "},
		"vmdk":         {head: sector(0, "KDMV"), reason: failure.UnsupportedFormat, message: "qemu-img convert -f vmdk "},
		"descriptor":   {head: page("# Disk DescriptorFile"), reason: failure.UnsupportedFormat, message: "vmdk"},
		"vdi":          {head: sector(0x40, "\x7f\x10\xda\xbe"), reason: failure.UnsupportedFormat, message: "-f vdi "},
		"vhd":          {head: sector(0, "conectix"), reason: failure.UnsupportedFormat, message: "-f vpc "},
		"vhdx":         {head: sector(0, "vhdxfile"), reason: failure.UnsupportedFormat, message: "-f vhdx "},
		"tar":          {head: sector(0x101, "ustar"), reason: failure.UnsupportedFormat, message: "tar or OVA"},
		"zip":          {head: sector(0, "PK\x03\x04"), reason: failure.UnsupportedFormat, message: "zip"},
		"bzip2":        {head: sector(0, "BZh9"), reason: failure.UnsupportedFormat, message: "bzip2"},
		"lz4":          {head: sector(0, "\x04\x22\x4d\x18"), reason: failure.UnsupportedFormat, message: "lz4"},
		"old lz4":      {head: sector(0, "\x02\x21\x4c\x18"), reason: failure.UnsupportedFormat, message: "lz4"},
		"lzma":         {head: sector(0, "\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x33"), reason: failure.UnsupportedFormat, message: "lzma"},
		"lzma, sized":  {head: sector(0, "\x5d\x00\x00\x00\x01\x00\x00\x20\x00\x00\x00\x00\x00\x00\x33"), reason: failure.UnsupportedFormat, message: "lzma"},
		"no lzma":      {head: sector(0, "\x5d\x01\x02\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x33"), format: probe.Raw},
		"lzip":         {head: sector(0, "LZIP\x01"), reason: failure.UnsupportedFormat, message: "lzip"},
		"lzop":         {head: sector(0, "\x89LZO\x00\r\n\x1a\n"), reason: failure.UnsupportedFormat, message: "lzop"},
		"compress":     {head: sector(0, "\x1f\x9d\x90"), reason: failure.UnsupportedFormat, message: "compress (.Z)"},
		"7z":           {head: sector(0, "7z\xbc\xaf\x27\x1c"), reason: failure.UnsupportedFormat, message: "7z"},
		"rar":          {head: sector(0, "Rar!\x1a\x07\x00"), reason: failure.UnsupportedFormat, message: "RAR"},
		"gzip in gzip": {head: sector(0, "\x1f\x8b\x08"), reason: failure.UnsupportedFormat, message: "compressed twice"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			format, err := probe.Format(tt.head)
			assert.Equal(t, tt.format, format)
			if tt.reason == "" {
				require.NoError(t, err)
				return
			}
			typed := failure.From(err)
			require.NotNil(t, typed)
			assert.Equal(t, tt.reason, typed.Reason)
			assert.True(t, typed.Permanent)
			assert.Contains(t, typed.Message, tt.message)
		})
	}
}

func TestCompressionGoesByMagic(t *testing.T) {
	t.Parallel()
	for magic, want := range map[string]string{
		"\x1f\x8b\x08":         probe.Gzip,
		"\xfd7zXZ\x00":         probe.Xz,
		"\x28\xb5\x2f\xfd":     probe.Zstd,
		"\x50\x2a\x4d\x18":     probe.Zstd,
		"\x60\x2a\x4d\x18":     probe.None,
		"QFI\xfb\x00\x00\x00":  probe.None,
		"\xfd7zX":              probe.None,
		"":                     probe.None,
		"\x00\x1f\x8b shifted": probe.None,
	} {
		require.Equal(t, want, probe.Compression([]byte(magic)), "%q", magic)
	}
}

// FuzzProbe wants every head to be named or refused with a reason.
func FuzzProbe(f *testing.F) {
	f.Add(sector(0, "QFI\xfb\x00\x00\x00\x03"))
	f.Add(page("<html>"))
	f.Fuzz(func(t *testing.T, head []byte) {
		probe.Compression(head)
		format, err := probe.Format(head)
		if (err == nil) != (format == probe.Raw || format == probe.Qcow2) {
			t.Fatalf("format %q, error %v", format, err)
		}
		if err != nil && failure.From(err).Reason == failure.ImportFailed {
			t.Fatalf("no reason is told for: %v", err)
		}
	})
}
