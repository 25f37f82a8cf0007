// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// benchmarkSize is what is moved in one go.
const benchmarkSize = 64 << 20

// source sends benchmarkSize bytes to whoever connects, as fast as they are taken, and then closes.
func source(b *testing.B, network, address string) net.Listener {
	b.Helper()
	listener, err := net.Listen(network, address)
	require.NoError(b, err)
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		data := make([]byte, 256<<10)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for sent := 0; sent < benchmarkSize; sent += len(data) {
					if _, err := conn.Write(data); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener
}

// benchmarkSocat moves data through socat, which is what a stream is measured against.
func benchmarkSocat(b *testing.B, address string) {
	b.SetBytes(benchmarkSize)
	for b.Loop() {
		socat := exec.Command("socat", "-u", address, "STDOUT")
		output, err := socat.StdoutPipe()
		require.NoError(b, err)
		require.NoError(b, socat.Start())
		n, err := io.Copy(io.Discard, output)
		require.NoError(b, err)
		require.EqualValues(b, benchmarkSize, n)
		require.NoError(b, socat.Wait())
	}
}

// benchmarkStream moves data from a guest to a client over TLS, as the standalone server does.
func benchmarkStream(b *testing.B, open func(context.Context) (net.Conn, error)) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Serve(w, r, open, func(err error) { http.Error(w, err.Error(), http.StatusInternalServerError) })
	}))
	defer server.Close()
	b.SetBytes(benchmarkSize)
	for b.Loop() {
		socket, err := Dial(b.Context(), server.URL, server.Client())
		require.NoError(b, err)
		n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{socket}, make([]byte, 64<<10))
		require.NoError(b, err)
		require.EqualValues(b, benchmarkSize, n)
	}
}

// screens has a unix socket for a screen, as the launcher gives one.
type screens struct {
	*fakeLauncher
	path string
}

// relayed passes on what listens at path, as the launcher does what libvirt gives it.
func relayed(b *testing.B, path string) string {
	b.Helper()
	listener, err := net.Listen("unix", path+"-relayed")
	require.NoError(b, err)
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			device, err := net.Dial("unix", path)
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				defer device.Close()
				_, _ = io.Copy(struct{ io.Writer }{client}, struct{ io.Reader }{device})
			}()
		}
	}()
	return path + "-relayed"
}

func (s screens) VNC(ctx context.Context, _ api.Target) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", s.path)
}

func BenchmarkScreen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "vnc")
	source(b, "unix", path)
	local := NewLocal(screens{newFakeLauncher(), relayed(b, path)}, asItSays, 4)
	b.Run("socat", func(b *testing.B) { benchmarkSocat(b, "UNIX-CONNECT:"+path) })
	b.Run("stream", func(b *testing.B) {
		benchmarkStream(b, func(ctx context.Context) (net.Conn, error) { return local.Open(ctx, instance(), VNC) })
	})
}

func BenchmarkPort(b *testing.B) {
	listener := source(b, "tcp", "127.0.0.1:0")
	address := listener.Addr().(*net.TCPAddr)
	local := NewLocal(newFakeLauncher(), asItSays, 4)
	stream := PortForward(uint16(address.Port), TCP)
	b.Run("socat", func(b *testing.B) { benchmarkSocat(b, "TCP:"+address.String()) })
	b.Run("stream", func(b *testing.B) {
		benchmarkStream(b, func(ctx context.Context) (net.Conn, error) { return local.Open(ctx, addressed("127.0.0.1"), stream) })
	})
}
