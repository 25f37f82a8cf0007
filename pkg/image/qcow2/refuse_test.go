// SPDX-License-Identifier: Apache-2.0

package qcow2_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// small returns an image of 4 MiB with clusters of 4 KiB, two L2 tables, and
// some data in each.
func small(t testing.TB, options ...string) []byte {
	t.Helper()
	image := filepath.Join(t.TempDir(), "small.qcow2")
	args := append([]string{"create", "-q", "-f", "qcow2", "-o", "cluster_size=4k"}, options...)
	run(t, "qemu-img", append(args, image, "4M")...)
	qemuIO(t, image, "write -q -P 1 0 64k", "write -q -P 2 3M 64k")
	b, err := os.ReadFile(image)
	require.NoError(t, err)
	return b
}

func requireRefused(t *testing.T, image []byte, size int64, reason, message string) {
	t.Helper()
	_, err := decode(t, image, size)
	var typed *failure.Error
	require.ErrorAs(t, err, &typed)
	assert.Equal(t, reason, typed.Reason, typed.Message)
	assert.Contains(t, typed.Message, message)
	assert.Equal(t, reason != failure.Truncated, typed.Permanent)
}

// Fields of the header and the tables, for tests to change.
func set32(b []byte, off int, v uint32) { binary.BigEndian.PutUint32(b[off:], v) }
func set64(b []byte, off int, v uint64) { binary.BigEndian.PutUint64(b[off:], v) }
func get64(b []byte, off int) uint64    { return binary.BigEndian.Uint64(b[off:]) }

// l1 and l2 return where the tables are.
func l1(b []byte) int          { return int(get64(b, 40)) }
func l2(b []byte, i int) int   { return int(get64(b, l1(b)+8*i) & 0x00fffffffffffe00) }
func data(b []byte, i int) int { return int(get64(b, l2(b, i)+8*0) & 0x00fffffffffffe00) }

func TestDecodeRefusesWhatItCannotOrMustNotRead(t *testing.T) {
	t.Parallel()
	const size = 8 * mib
	tests := map[string]struct {
		change  func(b []byte)
		reason  string
		message string
	}{
		"version 4":            {func(b []byte) { set32(b, 4, 4) }, failure.UnsupportedFormat, "version is 4"},
		"encryption":           {func(b []byte) { set32(b, 32, 2) }, failure.EncryptedImage, "encrypted"},
		"cluster_bits 8":       {func(b []byte) { set32(b, 20, 8) }, failure.CorruptImage, "cluster_bits"},
		"cluster_bits 22":      {func(b []byte) { set32(b, 20, 22) }, failure.CorruptImage, "cluster_bits"},
		"cluster_bits 2^31":    {func(b []byte) { set32(b, 20, 1<<31) }, failure.CorruptImage, "cluster_bits"},
		"huge L1":              {func(b []byte) { set32(b, 36, 1<<30) }, failure.CorruptImage, "L1 table"},
		"L1 too small":         {func(b []byte) { set32(b, 36, 1) }, failure.CorruptImage, "L1 table"},
		"L1 not aligned":       {func(b []byte) { set64(b, 40, 4096+512) }, failure.CorruptImage, "offset"},
		"L1 nowhere":           {func(b []byte) { set64(b, 40, 0) }, failure.CorruptImage, "offset"},
		"L1 beyond all":        {func(b []byte) { set64(b, 40, 1<<60) }, failure.CorruptImage, "offset"},
		"L1 far away":          {func(b []byte) { set64(b, 40, 1<<40) }, failure.CorruptImage, "beyond"},
		"L1 in the header":     {func(b []byte) { set32(b, 20, 16); set64(b, 40, 0) }, failure.CorruptImage, "offset"},
		"header_length":        {func(b []byte) { set32(b, 100, 8192) }, failure.CorruptImage, "header_length"},
		"refcount_order":       {func(b []byte) { set32(b, 96, 7) }, failure.CorruptImage, "refcount_order"},
		"corrupt bit":          {func(b []byte) { set64(b, 72, 2) }, failure.CorruptImage, "marked"},
		"external data bit":    {func(b []byte) { set64(b, 72, 4) }, failure.ExternalDataFileRefused, "another file"},
		"unknown feature":      {func(b []byte) { set64(b, 72, 1<<40) }, failure.UnsupportedFormat, "0x10000000000"},
		"compression bit":      {func(b []byte) { set64(b, 72, 8) }, failure.CorruptImage, "compression"},
		"compression type":     {func(b []byte) { b[104] = 1 }, failure.CorruptImage, "compression"},
		"unknown compression":  {func(b []byte) { set64(b, 72, 8); b[104] = 9 }, failure.UnsupportedFormat, "compression"},
		"extended L2, small":   {func(b []byte) { set64(b, 72, 16) }, failure.CorruptImage, "16 KiB"},
		"negative size":        {func(b []byte) { set64(b, 24, 1<<63) }, failure.CorruptImage, "virtual size"},
		"10 TiB":               {func(b []byte) { set64(b, 24, 10<<40) }, failure.ImageTooLarge, "10995116277760"},
		"L2 not aligned":       {func(b []byte) { set64(b, l1(b), 4096+512) }, failure.CorruptImage, "not aligned"},
		"L2 far away":          {func(b []byte) { set64(b, l1(b), 1<<40) }, failure.CorruptImage, "beyond"},
		"L2 twice":             {func(b []byte) { set64(b, l1(b)+8, get64(b, l1(b))) }, failure.CorruptImage, "two uses"},
		"L2 is the header":     {func(b []byte) { set64(b, l1(b)+8, uint64(l1(b))) }, failure.CorruptImage, "two uses"},
		"data not aligned":     {func(b []byte) { set64(b, l2(b, 0), 8192+512) }, failure.CorruptImage, "not aligned"},
		"data far away":        {func(b []byte) { set64(b, l2(b, 0), 1<<50) }, failure.CorruptImage, "beyond"},
		"data twice":           {func(b []byte) { set64(b, l2(b, 0)+8, get64(b, l2(b, 0))) }, failure.CorruptImage, "two uses"},
		"data is the L1":       {func(b []byte) { set64(b, l2(b, 0), uint64(l1(b))) }, failure.CorruptImage, "two uses"},
		"data is an L2":        {func(b []byte) { set64(b, l2(b, 0), uint64(l2(b, 1))) }, failure.CorruptImage, "two uses"},
		"compressed far away":  {func(b []byte) { set64(b, l2(b, 0), 1<<62|1<<57) }, failure.CorruptImage, "lies at"},
		"compressed, but data": {func(b []byte) { set64(b, l2(b, 0), 1<<62|uint64(data(b, 0))) }, failure.CorruptImage, "decompressed"},
	}
	image := small(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := append([]byte(nil), image...)
			tt.change(b)
			requireRefused(t, b, size, tt.reason, tt.message)
		})
	}
}

func TestDecodeRefusesAnImageThatEndsTooEarly(t *testing.T) {
	t.Parallel()
	image := small(t)
	for _, n := range []int{80, 4096, l1(image) + 8, l2(image, 0) + 100, data(image, 0) + 100, len(image) - 8192} {
		reason := failure.Truncated
		if n == 80 {
			reason = failure.CorruptImage
		}
		requireRefused(t, image[:n], 8*mib, reason, "")
	}
}

func TestDecodeRefusesABackingFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base, top := filepath.Join(dir, "base.raw"), filepath.Join(dir, "top.qcow2")
	require.NoError(t, os.WriteFile(base, make([]byte, mib), 0o600))
	run(t, "qemu-img", "create", "-f", "qcow2", "-b", base, "-F", "raw", top)
	image, err := os.ReadFile(top)
	require.NoError(t, err)
	requireRefused(t, image, 8*mib, failure.BackingFileRefused, base)
}

func TestDecodeRefusesAnExternalDataFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	top := filepath.Join(dir, "top.qcow2")
	run(t, "qemu-img", "create", "-f", "qcow2", "-o", "data_file="+filepath.Join(dir, "data"), top, "1M")
	image, err := os.ReadFile(top)
	require.NoError(t, err)
	requireRefused(t, image, 8*mib, failure.ExternalDataFileRefused, "another file")
}

func TestDecodeRefusesAnEncryptedImage(t *testing.T) {
	t.Parallel()
	top := filepath.Join(t.TempDir(), "top.qcow2")
	run(t, "qemu-img", "create", "-f", "qcow2", "--object", "secret,id=s,data=word",
		"-o", "encrypt.format=aes,encrypt.key-secret=s", top, "1M")
	image, err := os.ReadFile(top)
	require.NoError(t, err)
	requireRefused(t, image, 8*mib, failure.EncryptedImage, "encrypted")
}

// TestDecodeWritesNothingBeyondTheVirtualSize has an L1 entry for more than
// the virtual size, as snapshots of a running machine leave behind, and a
// cluster that only begins within it.
func TestDecodeWritesNothingBeyondTheVirtualSize(t *testing.T) {
	t.Parallel()
	image := small(t)
	set64(image, 24, 60*1024+512)
	got, err := decode(t, image, 8*mib)
	require.NoError(t, err)
	for i, b := range got.disk {
		if want := i < 60*1024+512; want != (b == 1) {
			t.Fatalf("byte %d is %d", i, b)
		}
	}
}
