// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// playEnv makes this program be virt-importer in place of running tests.
const playEnv = "TEST_PLAY_VIRT_IMPORTER"

func TestMain(m *testing.M) {
	if os.Getenv(playEnv) == "" {
		os.Exit(m.Run())
	}
	main()
}

// command returns this program as virt-importer, where any user may start it.
func command(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	from, err := os.Open(self)
	require.NoError(t, err)
	defer from.Close()
	dir, err := os.MkdirTemp("", "virt-importer")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	path := filepath.Join(dir, "virt-importer")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	defer to.Close()
	_, err = io.Copy(to, from)
	require.NoError(t, err)
	return path
}

func newTarget(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "volume"))
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

func TestImporterFillsAVolumeAsAnotherUser(t *testing.T) {
	body := bytes.Repeat([]byte("\x01 a disk\n"), 100_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	defer server.Close()
	target, loopback := newTarget(t), []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	p := importer.Process{
		Path: command(t), Env: []string{playEnv + "=1"},
		Credential: &syscall.Credential{Uid: 65534, Gid: 65534},
	}
	result, err := p.Run(t.Context(), importer.Spec{SizeBytes: 1 << 20, HTTP: &source.HTTP{URL: server.URL}, AllowCIDRs: loopback}, target, nil)
	require.NoError(t, err)
	require.Equal(t, int64(len(body)), result.TransferredBytes)
	got, err := os.ReadFile(target.Name())
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got[:len(body)]))

	_, err = p.Run(t.Context(), importer.Spec{SizeBytes: 1 << 10, HTTP: &source.HTTP{URL: server.URL}, AllowCIDRs: loopback}, target, nil)
	var typed *image.Error
	require.ErrorAs(t, err, &typed)
	require.Equal(t, failure.ImageTooLarge, typed.Reason)
	require.True(t, typed.Permanent)
}

func TestImporterSaysHowItIsStarted(t *testing.T) {
	for name, tt := range map[string]struct {
		args   []string
		target bool
		exit   int
		output string
	}{
		"--help":      {args: []string{"--help"}, exit: 0, output: "Example"},
		"an argument": {args: []string{"disk.img"}, exit: 2, output: "takes no arguments"},
		"a flag":      {args: []string{"--size=1"}, exit: 2, output: "takes no arguments"},
		"no volume":   {exit: 2, output: "file descriptor 3 is not open for reading and writing"},
		"no spec":     {target: true, exit: 1, output: `{"error":{"reason":"InvalidRequest"`},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], tt.args...)
			cmd.Env = []string{playEnv + "=1"}
			cmd.Stdin = strings.NewReader("")
			if tt.target {
				cmd.ExtraFiles = []*os.File{newTarget(t)}
			}
			out, err := cmd.CombinedOutput()
			require.Equal(t, tt.exit, cmd.ProcessState.ExitCode(), "%v: %s", err, out)
			require.Contains(t, string(out), tt.output)
		})
	}
}
