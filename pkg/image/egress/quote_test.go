// SPDX-License-Identifier: Apache-2.0

package egress_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
)

// babble answers each request with a text, whatever it is, and hangs up.
func babble(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, answer)
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestNothingOfAnAnswerIsTold(t *testing.T) {
	t.Parallel()
	policy := egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for name, answer := range map[string]string{
		"another protocol":   "SSH-2.0-XYZZY\r\n",
		"status text":        "HTTP/1.1 404 XYZZY\r\nContent-Length: 0\r\n\r\n",
		"error page":         "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\nXYZZY",
		"registry's error":   "HTTP/1.1 403 Forbidden\r\nContent-Length: 50\r\n\r\n" + `{"errors":[{"code":"XYZZY","message":"XYZZY   "}]`,
		"bad status":         "HTTP/1.1 XYZZY\r\n\r\n",
		"bad header":         "HTTP/1.1 200 OK\r\nXYZZY\r\n\r\n",
		"bad length":         "HTTP/1.1 200 OK\r\nContent-Length: XYZZY\r\n\r\n",
		"bad coding":         "HTTP/1.1 200 OK\r\nContent-Encoding: XYZZY\r\nContent-Length: 0\r\n\r\n",
		"transfer coding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: XYZZY\r\n\r\n",
		"bad location":       "HTTP/1.1 302 Found\r\nLocation: http://XYZZY:XYZZY\x7f/\r\nContent-Length: 0\r\n\r\n",
		"scheme of location": "HTTP/1.1 302 Found\r\nLocation: XYZZY://x/\r\nContent-Length: 0\r\n\r\n",
		"bad chunk":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nXYZZY\r\n",
		"bad trailer":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\nXYZZY\r\n\r\n",
		"bad challenge":      "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: XYZZY realm=XYZZY\r\nContent-Length: 0\r\n\r\n",
		"page as manifest":   "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\nContent-Length: 10\r\n\r\n" + `{"XYZZY":`,
		"type of a manifest": "HTTP/1.1 200 OK\r\nContent-Type: XYZZY\r\nContent-Length: 6\r\n\r\nXYZZY",
	} {
		for _, way := range []string{"http", "registry with a port"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				err := ways()[way](t.Context(), babble(t, answer), policy)
				if err == nil {
					require.Equal(t, "http", way)
					return // an image of any kind
				}
				assert.NotContains(t, strings.ToUpper(err.Error()), "XYZZY")
			})
		}
	}
}
