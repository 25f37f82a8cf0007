// SPDX-License-Identifier: Apache-2.0

package portforward

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

const soon = 60 * time.Second

// newServer serves a guest whose ports return what they get, behind a greeting.
func newServer(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/subresources.kubevirt.io/v1/namespaces/shop/{resource}/web/portforward/{port}/{protocol}",
		func(w http.ResponseWriter, r *http.Request) {
			if r.PathValue("port") == "81" {
				link.Refuse(w, apierrors.NewConflict(schema.GroupResource{Group: "kubevirt.io", Resource: "virtualmachineinstance"}, "web",
					io.ErrClosedPipe))
				return
			}
			socket, err := streams.Accept(w, r)
			if err != nil {
				return
			}
			_, _ = io.WriteString(socket, r.PathValue("resource")+" "+r.PathValue("port")+"\n")
			buffer := make([]byte, 1024)
			for {
				n, err := socket.Read(buffer)
				if err != nil || bytes.HasPrefix(buffer[:n], []byte("bye")) {
					break
				}
				_, _ = socket.Write(buffer[:n])
			}
			_ = socket.Close()
		})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// session is a run of the command.
type session struct {
	t      *testing.T
	out    *bufio.Reader
	errOut *bytes.Buffer
	done   chan error
	cancel context.CancelFunc
}

func start(t *testing.T, url string, in io.Reader, args ...string) *session {
	t.Helper()
	flags := genericclioptions.NewConfigFlags(false)
	kubeconfig, namespace := os.DevNull, "shop"
	flags.APIServer, flags.Namespace, flags.KubeConfig = &url, &namespace, &kubeconfig
	read, written := io.Pipe()
	s := &session{t: t, out: bufio.NewReader(read), errOut: &bytes.Buffer{}, done: make(chan error, 1)}
	command := NewCommand(flags, genericiooptions.IOStreams{In: in, Out: written, ErrOut: s.errOut})
	command.SetArgs(args)
	command.SilenceErrors, command.SilenceUsage = true, true
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = cancel
	go func() {
		err := command.ExecuteContext(ctx)
		_ = written.Close()
		s.done <- err
	}()
	t.Cleanup(cancel)
	return s
}

func (s *session) wait() error {
	s.t.Helper()
	select {
	case err := <-s.done:
		return err
	case <-time.After(soon):
		require.Fail(s.t, "the command does not end")
		return nil
	}
}

// local is the address that the command tells next.
func (s *session) local() string {
	s.t.Helper()
	line, err := s.out.ReadString('\n')
	require.NoError(s.t, err)
	told := regexp.MustCompile(`^Forwarding from (?:tcp|udp)/(\S+) -> \d+\n$`).FindStringSubmatch(line)
	require.NotNil(s.t, told, line)
	return told[1]
}

func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(soon)))
	return conn
}

func TestEachConnectionIsOneToTheGuest(t *testing.T) {
	s := start(t, newServer(t).URL, nil, "vm/web", ":80", "tcp/:22")
	first, second := s.local(), s.local()
	for address, greeting := range map[string]string{first: "virtualmachines 80\n", second: "virtualmachines 22\n"} {
		for range 2 {
			conn := dial(t, "tcp", address)
			reader := bufio.NewReader(conn)
			line, err := reader.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, greeting, line)
			_, err = io.WriteString(conn, "hello\n")
			require.NoError(t, err)
			line, err = reader.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, "hello\n", line)
		}
	}
	s.cancel()
	require.NoError(t, s.wait())
	assert.Empty(t, s.errOut.String())
}

func TestDatagramsStayWhole(t *testing.T) {
	s := start(t, newServer(t).URL, nil, "vmi/web", "udp/:53")
	address := s.local()
	for range 2 {
		conn := dial(t, "udp", address)
		buffer := make([]byte, 2048)
		for _, sent := range []string{"one", strings.Repeat("x", 900)} {
			_, err := io.WriteString(conn, sent)
			require.NoError(t, err)
			n, err := conn.Read(buffer)
			require.NoError(t, err)
			if string(buffer[:n]) == "virtualmachineinstances 53\n" {
				n, err = conn.Read(buffer)
				require.NoError(t, err)
			}
			assert.Equal(t, sent, string(buffer[:n]))
		}
	}
	s.cancel()
	require.NoError(t, s.wait())
}

func TestPipesTakeThePlaceOfAPort(t *testing.T) {
	s := start(t, newServer(t).URL, strings.NewReader("bye"), "vm/web/shop", "--stdio", "80")
	out, err := io.ReadAll(s.out)
	require.NoError(t, err)
	assert.Equal(t, "virtualmachines 80\n", string(out), "nothing but the guest's, though the input has ended")
	require.NoError(t, s.wait())
}

func TestOneRefusedConnectionLeavesTheOthers(t *testing.T) {
	s := start(t, newServer(t).URL, nil, "vm/web", ":81", ":80")
	refused, served := s.local(), s.local()
	_, err := dial(t, "tcp", refused).Read(make([]byte, 1))
	require.Error(t, err)
	line, err := bufio.NewReader(dial(t, "tcp", served)).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "virtualmachines 80\n", line)
	s.cancel()
	require.NoError(t, s.wait())
	assert.Contains(t, s.errOut.String(), "Connection to tcp/81 of web")
}

func TestWhatCannotBeForwardedIsRefusedAtOnce(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	tests := map[string]struct {
		args []string
		want string
	}{
		"no port":           {[]string{"vm/web"}, "requires at least 2 arg"},
		"port 0":            {[]string{"vm/web", "0"}, "from 1 to 65535"},
		"port beyond":       {[]string{"vm/web", "80:65536"}, "from 1 to 65535"},
		"no number":         {[]string{"vm/web", "http"}, `not "http"`},
		"no remote":         {[]string{"vm/web", "80:"}, `not ""`},
		"other protocol":    {[]string{"vm/web", "sctp/80"}, "must be tcp or udp"},
		"other type":        {[]string{"pod/web", "80"}, "must be vm or vmi"},
		"option as name":    {[]string{"vm/-oProxyCommand=x", "80"}, "is no name of a virtual machine"},
		"no namespace":      {[]string{"vm/web/", "80"}, "ends without the namespace"},
		"too many parts":    {[]string{"vm/web/shop/x", "80"}, "TYPE/NAME/NAMESPACE"},
		"no address":        {[]string{"vm/web", "80", "--address", "here"}, "must be an IP address"},
		"two ports, a pipe": {[]string{"vm/web", "80", "81", "--stdio"}, "--stdio forwards one port"},
		"a pipe refused":    {[]string{"vm/web", "81", "--stdio"}, "kubectl get vm web -o yaml"},
		"port in use":       {[]string{"vm/web", port + ":80"}, "Take another one: LOCAL:80; or any free one: :80"},
	}
	server := newServer(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			assert.ErrorContains(t, start(t, server.URL, strings.NewReader(""), tc.args...).wait(), tc.want)
		})
	}
}

func TestIdlePeersAreForgottenAndManyRefused(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	all := &udpPeers{conn: conn, idle: time.Millisecond, peers: map[netip.AddrPort]*udpPeer{}}
	peer, isNew := all.get(netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(1)))
	require.True(t, isNew)
	_, err = peer.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF, "idle")

	all.idle = time.Hour
	for i := range maxPeers {
		_, isNew := all.get(netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(i)))
		require.True(t, isNew)
	}
	peer, _ = all.get(netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(maxPeers)))
	assert.Nil(t, peer)
	peer, isNew = all.get(netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(0)))
	assert.NotNil(t, peer)
	assert.False(t, isNew)
	all.close()
}

func FuzzParsePort(f *testing.F) {
	for _, text := range []string{"80", "8080:80", "udp/53", ":22", "tcp/:", "/", "::"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePort(text)
		if err == nil {
			assert.NotZero(t, p.remote)
			assert.Contains(t, []string{"tcp", "udp"}, p.protocol)
		}
	})
}
