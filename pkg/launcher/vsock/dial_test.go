// SPDX-License-Identifier: Apache-2.0

package vsock

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestDialEnds has nobody to connect to: without a guest, or a kernel that can connect to itself, there is none. The
// address is the machine's own, where nothing listens.
func TestDialEnds(t *testing.T) {
	const nobody, unused = unix.VMADDR_CID_LOCAL, 4000000000
	_, err := Dial(t.Context(), nobody, unused)
	require.Error(t, err)

	short, end := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer end()
	begin := time.Now()
	_, err = Dial(short, nobody, unused)
	require.Error(t, err)
	assert.Less(t, time.Since(begin), time.Second, "before the kernel's own two seconds")

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	begin = time.Now()
	_, err = Dial(canceled, nobody, unused)
	require.Error(t, err)
	assert.Less(t, time.Since(begin), time.Second, "nobody waits for it any more")
}

// TestConnCarriesBytes has a socket of another family in the place of VSOCK's, which is the same to files.
func TestConnCarriesBytes(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	require.NoError(t, err)
	ours := &conn{File: os.NewFile(uintptr(pair[0]), "vsock"), remote: address{7, 1024}}
	guests := os.NewFile(uintptr(pair[1]), "guest")
	assert.Equal(t, "port 1024 of CID 7", ours.RemoteAddr().String())
	_, err = ours.Write([]byte("word"))
	require.NoError(t, err)
	word := make([]byte, 4)
	_, err = io.ReadFull(guests, word)
	require.NoError(t, err)
	assert.Equal(t, "word", string(word))

	read := make(chan error)
	go func() {
		_, err := ours.Read(word)
		read <- err
	}()
	require.NoError(t, ours.Close(), "also while somebody reads")
	require.Error(t, <-read)
	_, err = guests.Read(word)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, guests.Close())
}
