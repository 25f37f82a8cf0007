// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// fakeLauncher gives one end of a TCP connection for each stream and the other to the test.
type fakeLauncher struct {
	refuse error
	guests chan net.Conn
}

func newFakeLauncher() *fakeLauncher {
	return &fakeLauncher{guests: make(chan net.Conn, 8)}
}

func (f *fakeLauncher) VNC(ctx context.Context, domain api.Target) (net.Conn, error) {
	return f.Console(ctx, domain)
}

// Domain knows the instances of all names, with the UID that instance has.
func (f *fakeLauncher) Domain(_ context.Context, domain api.Target) (*api.DomainStatus, error) {
	if domain.UID != instance().UID {
		return nil, &api.Error{Reason: api.ErrorConflict, Message: "the domain is that of another instance"}
	}
	return &api.DomainStatus{}, nil
}

func (f *fakeLauncher) Console(ctx context.Context, domain api.Target) (net.Conn, error) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	if domain.Namespace != "n" || domain.Name != "vm" {
		return nil, &api.Error{Reason: "NotFound", Message: "no such domain"}
	}
	if _, err := f.Domain(ctx, domain); err != nil {
		return nil, err
	}
	ours, guests, err := tcpPair()
	if err != nil {
		return nil, err
	}
	f.guests <- guests
	return ours, nil
}

// VSOCK is nowhere but at port 1024.
func (f *fakeLauncher) VSOCK(ctx context.Context, domain api.Target, port uint32) (net.Conn, error) {
	if port != 1024 {
		return nil, &api.Error{Reason: api.ErrorInternal, Message: "nothing listens there in the guest"}
	}
	return f.Console(ctx, domain)
}

func tcpPair() (*net.TCPConn, *net.TCPConn, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	one, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	other, err := listener.Accept()
	if err != nil {
		return nil, nil, err
	}
	return one.(*net.TCPConn), other.(*net.TCPConn), nil
}

func instance() *kubevirtv1.VirtualMachineInstance {
	return &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "vm", UID: "1-2-3"},
		Status:     kubevirtv1.VirtualMachineInstanceStatus{NodeName: "node-a"},
	}
}

// asNamed finds nothing but what was named.
func asNamed(named *kubevirtv1.VirtualMachineInstance) (*kubevirtv1.VirtualMachineInstance, error) {
	return named, nil
}

// bridged is a server that bridges its clients to guest streams, and a client of it.
func bridged(t *testing.T, ctx context.Context, conn net.Conn) (*Socket, <-chan error) {
	t.Helper()
	return pinged(t, ctx, conn, pingInterval)
}

// pinged is bridged, with pings at an interval.
func pinged(t *testing.T, ctx context.Context, conn net.Conn, interval time.Duration) (*Socket, <-chan error) {
	t.Helper()
	ended := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := Accept(w, r)
		if err != nil {
			ended <- err
			return
		}
		socket.pingInterval = interval
		ended <- Bridge(ctx, socket, conn)
	}))
	t.Cleanup(server.Close)
	socket, err := Dial(t.Context(), server.URL, server.Client())
	require.NoError(t, err)
	t.Cleanup(socket.drop)
	return socket, ended
}

// noLeaks fails the test if goroutines of a stream stay.
func noLeaks(t *testing.T) {
	t.Cleanup(func() {
		require.Eventually(t, func() bool {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			return !bytes.Contains(stacks, []byte("streams.relay(")) && !bytes.Contains(stacks, []byte("streams.(*Socket)"))
		}, patience, 10*time.Millisecond, "goroutines were left behind")
	})
}

// authority signs certificates into files.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	require.NoError(t, err)
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.write("ca.crt", "CERTIFICATE", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	require.NoError(a.t, os.WriteFile(a.file(name), data, 0o600))
}

// issue writes NAME.crt and NAME.key.
func (a *authority) issue(name string, usage x509.ExtKeyUsage) {
	a.t.Helper()
	key := newKey(a.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(a.t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(a.t, err)
	a.write(name+".crt", "CERTIFICATE", der)
	a.write(name+".key", "EC PRIVATE KEY", keyDER)
}
