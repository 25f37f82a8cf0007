// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// startWithVSOCK starts a guest that libvirt gave the address 7, and has the launcher forget what it knew.
func (b *bench) startWithVSOCK(t *testing.T) {
	t.Helper()
	b.host.vsock = os.DevNull
	request := b.request(t)
	request.Instance.Spec.Domain.Devices.AutoattachVSOCK = ptr.To(true)
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	domain := b.hypervisor.domains[uuidOf(request.Instance)]
	require.Contains(t, domain.xml, `<cid auto="yes">`)
	domain.xml = strings.Replace(domain.xml, `<cid auto="yes">`, `<cid auto="yes" address="7">`, 1)
	b.begin(t)
}

// TestPortsOfAGuestAreReachedAtTheAddressThatLibvirtGave has the guest's place taken by the test: a kernel without
// vhost_vsock has no guests to connect to, and one without vsock_loopback not even itself.
func TestPortsOfAGuestAreReachedAtTheAddressThatLibvirtGave(t *testing.T) {
	b := newBench(t)
	b.startWithVSOCK(t)
	assert.Equal(t, uint32(7), b.status(t).VSOCKCID)
	client, _ := b.serve(t)
	guests := make(chan net.Conn, 2)
	b.dialVSOCK = func(_ context.Context, cid, port uint32) (net.Conn, error) {
		if port == 1025 {
			return nil, fmt.Errorf("connect to port %d of CID %d: %w", port, cid, context.DeadlineExceeded)
		}
		if cid != 7 || port != 1024 {
			return nil, fmt.Errorf("connect to port %d of CID %d: %w", port, cid, syscall.ECONNRESET)
		}
		ours, guest := net.Pipe()
		guests <- guest
		return ours, nil
	}
	var words []string
	for _, word := range []string{"one", "two"} { // beside each other
		conn, err := client.VSOCK(t.Context(), testTarget(), 1024)
		require.NoError(t, err)
		defer conn.Close()
		guest := <-guests
		defer guest.Close()
		_, err = io.WriteString(conn, word)
		require.NoError(t, err)
		heard := make([]byte, 3)
		_, err = io.ReadFull(guest, heard)
		require.NoError(t, err)
		words = append(words, string(heard))
	}
	assert.Equal(t, []string{"one", "two"}, words)
	_, err := client.VSOCK(t.Context(), testTarget(), 22)
	assert.Equal(t, api.ErrorInternal, api.ReasonFor(err))
	assert.ErrorContains(t, err, "nothing listens there in the guest")
	_, err = client.VSOCK(t.Context(), testTarget(), 1025)
	assert.ErrorContains(t, err, "it may be paused")
}

func TestPortsOfAGuestWithoutVSOCKAreNotReached(t *testing.T) {
	b := newBench(t)
	client, _ := b.serve(t)
	_, err := client.VSOCK(t.Context(), testTarget(), 1)
	assert.Equal(t, api.ErrorNotFound, api.ReasonFor(err))
	b.start(t)
	_, err = client.VSOCK(t.Context(), testTarget(), 1)
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
	assert.ErrorContains(t, err, "VSOCK is not attached.")
}
