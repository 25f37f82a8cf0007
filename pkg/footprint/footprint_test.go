// SPDX-License-Identifier: Apache-2.0

package footprint

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// residentFiles is how much of files is mapped and in memory, in bytes.
func residentFiles(t *testing.T) int {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(statm))[2])
	require.NoError(t, err)
	return pages * os.Getpagesize()
}

func isData(path string) bool { return strings.HasSuffix(path, "/data.db") }

func TestTrimGivesBackMappedFiles(t *testing.T) {
	const size = 32 << 20
	file := filepath.Join(t.TempDir(), "data.db")
	require.NoError(t, os.WriteFile(file, make([]byte, size), 0o600))
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
	require.NoError(t, err)
	defer func() { require.NoError(t, unix.Munmap(data)) }()

	before := residentFiles(t)
	require.NoError(t, Trim(isData))
	assert.Less(t, residentFiles(t), before-size+(1<<20))
	for i := 0; i < size; i += os.Getpagesize() {
		require.Zero(t, data[i])
	}
}

func TestMappingsAreUnderstood(t *testing.T) {
	mappings, err := parse(strings.NewReader(`7f00-8000 r-xp 00000000 08:01 42    /opt/my programs/server
Size:                  4 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
8000-9000 r--p 00000000 08:01 42 /opt/my programs/server
Anonymous:             4 kB
9000-a000 rw-p 00000000 08:01 42 /opt/my programs/server
a000-b000 rw-p 00000000 00:00 0
Anonymous:            12 kB
zz-8000 r--p 0 0 0 /x
8000-7f00 r--p 0 0 0 /x
7f00 r--p 0 0 0 /x

`))
	require.NoError(t, err)
	const program = "/opt/my programs/server"
	assert.Equal(t, []mapping{
		{start: 0x7f00, end: 0x8000, path: program},
		{start: 0x8000, end: 0x9000, path: program, changed: true},
		{start: 0x9000, end: 0xa000, path: program, writable: true},
		{start: 0xa000, end: 0xb000, writable: true, changed: true},
	}, mappings)
}

func TestPagesThatWereWrittenToAreKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	require.NoError(t, os.WriteFile(file, make([]byte, os.Getpagesize()), 0o600))
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	data, err := unix.Mmap(int(f.Fd()), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	require.NoError(t, err)
	defer func() { require.NoError(t, unix.Munmap(data)) }()
	data[0] = 1
	require.NoError(t, unix.Mprotect(data, unix.PROT_READ))
	require.NoError(t, Trim(isData))
	assert.EqualValues(t, 1, data[0])
}
