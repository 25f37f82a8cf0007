// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// serve has the bench answer on a socket until the test ends.
func (b *bench) serve(t *testing.T) (client *api.Client, socket string) {
	t.Helper()
	socket = filepath.Join(runtimeDir(t), "s", "launcher.sock")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- NewServer(b.Manager, slog.New(slog.DiscardHandler), &slog.LevelVar{}).Serve(ctx, socket)
	}()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	client = api.NewClient(socket)
	require.Eventually(t, func() bool {
		_, err := client.Health(t.Context())
		return err == nil
	}, time.Minute, time.Millisecond)
	return client, socket
}

func TestClientAndServerAgree(t *testing.T) {
	b := newBench(t)
	client, _ := b.serve(t)
	ctx := t.Context()
	health, err := client.Health(ctx)
	require.NoError(t, err)
	assert.Equal(t, &api.Health{PID: os.Getpid(), Version: "v1", Libvirt: true, LibvirtVersion: "9.0.0", Accelerator: "tcg"}, health)

	request := b.request(t)
	status, err := client.Start(ctx, request)
	require.NoError(t, err)
	list, err := client.List(ctx)
	require.NoError(t, err)
	assert.Equal(t, []api.DomainStatus{*status}, list)
	for _, action := range []string{api.ActionPause, api.ActionUnpause, api.ActionReset, api.ActionSoftReboot} {
		require.NoError(t, client.Call(ctx, testTarget(), action, nil, nil), action)
	}
	require.NoError(t, client.Shutdown(ctx, "shop", "web-1", api.ShutdownRequest{}))
	require.NoError(t, client.Delete(ctx, "shop", "web-1", testUID))

	_, err = client.Console(ctx, testTarget())
	assert.Equal(t, api.ErrorNotFound, api.ReasonFor(err))
	assert.Equal(t, api.ErrorNotFound, api.ReasonFor(client.Call(ctx, testTarget(), api.ActionPause, nil, nil)))
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(client.Delete(ctx, "shop", "web-1", "")))
	request.Disks["root"] = api.DiskSource{Path: "/etc/passwd"}
	_, err = client.Start(ctx, request)
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
}

func TestWatchTellsOfChanges(t *testing.T) {
	b := newBench(t)
	client, _ := b.serve(t)
	synced, enough := make(chan struct{}), errors.New("enough")
	go func() {
		<-synced
		_, err := b.Start(t.Context(), b.request(t))
		assert.NoError(t, err)
		assert.NoError(t, b.Delete(testKey(), testUID))
	}()
	err := client.Watch(t.Context(), func(event api.Event) error {
		switch event.Type {
		case api.EventSynced:
			close(synced)
		case api.EventDeleted:
			assert.Equal(t, testUID, event.Status.UID)
			return enough
		}
		return nil
	})
	require.ErrorIs(t, err, enough)
}

func TestRequestsThatAreWrongAreRefused(t *testing.T) {
	b := newBench(t)
	_, socket := b.serve(t)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	for name, test := range map[string]struct {
		method, path, body string
		want               int
	}{
		"not JSON":          {http.MethodPut, "/v1/domains/shop/web-1", "hello", http.StatusUnprocessableEntity},
		"nothing":           {http.MethodPut, "/v1/domains/shop/web-1", "", http.StatusUnprocessableEntity},
		"no instance":       {http.MethodPut, "/v1/domains/shop/web-1", "{}", http.StatusUnprocessableEntity},
		"unknown field":     {http.MethodPut, "/v1/domains/shop/web-1", `{"extra":1}`, http.StatusUnprocessableEntity},
		"two values":        {http.MethodPost, "/v1/domains/shop/web-1/shutdown", `{}{}`, http.StatusUnprocessableEntity},
		"another's name":    {http.MethodPut, "/v1/domains/shop/web-1", `{"instance":{"metadata":{"namespace":"shop","name":"b"}}}`, http.StatusUnprocessableEntity},
		"endless":           {http.MethodPut, "/v1/domains/shop/web-1", `{"seeds":{"a":{"userData":"` + strings.Repeat("A", api.MaxRequestBytes) + `"}}}`, http.StatusUnprocessableEntity},
		"no such path":      {http.MethodGet, "/v2", "", http.StatusNotFound},
		"no such method":    {http.MethodPatch, "/v1/domains/shop/web-1", "", http.StatusMethodNotAllowed},
		"no upgrade":        {http.MethodGet, "/v1/domains/shop/web-1/console", "", http.StatusUnprocessableEntity},
		"domain is missing": {http.MethodPost, "/v1/domains/shop/web-1/pause", "", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), test.method, "http://launcher"+test.path, strings.NewReader(test.body))
			require.NoError(t, err)
			answer, err := client.Do(request)
			require.NoError(t, err)
			defer answer.Body.Close()
			assert.Equal(t, test.want, answer.StatusCode)
		})
	}
}

func TestConsoleIsTakenOver(t *testing.T) {
	b := newBench(t)
	client, _ := b.serve(t)
	b.start(t)
	device, err := net.Listen("unix", b.socketPath(testUID))
	require.NoError(t, err)
	defer device.Close()
	guests := make(chan net.Conn)
	go func() {
		for {
			conn, err := device.Accept()
			if err != nil {
				return
			}
			guests <- conn
		}
	}()
	first, err := client.Console(t.Context(), testTarget())
	require.NoError(t, err)
	firstGuest := <-guests
	exchange(t, first, firstGuest)
	second, err := client.Console(t.Context(), testTarget())
	require.NoError(t, err)
	defer second.Close()
	_, err = first.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	_, err = firstGuest.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "the device is left before it is taken again")
	secondGuest := <-guests
	exchange(t, second, secondGuest)
	require.NoError(t, secondGuest.Close())
	_, err = second.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "a session ends with its guest")
}

// exchange sends a word each way.
func exchange(t *testing.T, client, guest net.Conn) {
	t.Helper()
	for _, pair := range [][2]net.Conn{{client, guest}, {guest, client}} {
		_, err := io.WriteString(pair[0], "word")
		require.NoError(t, err)
		buffer := make([]byte, 4)
		_, err = io.ReadFull(pair[1], buffer)
		require.NoError(t, err)
		assert.Equal(t, "word", string(buffer))
	}
}

func TestOnlyTheVeryInstanceIsReached(t *testing.T) {
	b := newBench(t)
	client, _ := b.serve(t)
	b.start(t)
	status, err := client.Domain(t.Context(), testTarget())
	require.NoError(t, err)
	assert.Equal(t, testUID, status.UID)
	successor := testTarget()
	successor.UID = "another"
	_, err = client.Domain(t.Context(), successor)
	assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))
	_, err = client.Console(t.Context(), successor)
	assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))
	_, err = client.VNC(t.Context(), successor)
	assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))
}

func TestMissingDevicesAreTold(t *testing.T) {
	b := newBench(t)
	client, _ := b.serve(t)
	request := b.request(t)
	no := false
	request.Instance.Spec.Domain.Devices.AutoattachGraphicsDevice = &no
	request.Instance.Spec.Domain.Devices.AutoattachSerialConsole = &no
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	_, err = client.Console(t.Context(), testTarget())
	assert.ErrorContains(t, err, "has no serial console")
	_, err = client.VNC(t.Context(), testTarget())
	assert.ErrorContains(t, err, "has no graphics device")
}

func TestSocketIsTheLaunchersAlone(t *testing.T) {
	b := newBench(t)
	_, socket := b.serve(t)
	info, err := os.Stat(filepath.Dir(socket))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	server := NewServer(b.Manager, slog.New(slog.DiscardHandler), &slog.LevelVar{})
	require.ErrorContains(t, server.Serve(t.Context(), socket), "another process listens there")

	open := filepath.Join(t.TempDir(), "open")
	require.NoError(t, os.Mkdir(open, 0o755))
	require.ErrorContains(t, server.Serve(t.Context(), filepath.Join(open, "s")), "chmod 700 "+open)
	require.ErrorContains(t, server.Serve(t.Context(), "/"+strings.Repeat("x", 110)), "longer than 107 bytes")
}

func TestOtherUsersAreTurnedAway(t *testing.T) {
	socket := filepath.Join(runtimeDir(t), "s")
	raw, err := net.Listen("unix", socket)
	require.NoError(t, err)
	listener := &peerListener{raw.(*net.UnixListener), uint32(os.Geteuid()), slog.New(slog.DiscardHandler)}
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	require.NoError(t, os.Chmod(filepath.Dir(socket), 0o755))
	require.NoError(t, os.Chmod(socket, 0o777))
	other := connectAs(t, 65534, socket)
	_, err = other.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	own, err := net.Dial("unix", socket)
	require.NoError(t, err)
	defer own.Close()
	assert.NotNil(t, <-accepted)
	require.NoError(t, listener.Close())
}
