// SPDX-License-Identifier: Apache-2.0

package importer_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const mib = 1 << 20

func process(t *testing.T, role string) importer.Process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return importer.Process{Path: self, Env: []string{roleEnv + "=" + role}, StopTimeout: 100 * time.Millisecond}
}

// loopback is where servers of tests are.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func newTarget(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "volume"))
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

func httpSpec(t *testing.T, h http.HandlerFunc) importer.Spec {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return importer.Spec{SizeBytes: 2 * mib, HTTP: &source.HTTP{URL: server.URL}, AllowCIDRs: loopback}
}

func requireReason(t *testing.T, err error, reason string) *image.Error {
	t.Helper()
	var typed *image.Error
	require.ErrorAs(t, err, &typed)
	require.Equal(t, reason, typed.Reason, typed.Message)
	return typed
}

func TestRunFillsTheVolume(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789abcde\x00"), mib/16)
	target := newTarget(t)
	var last image.Progress
	var log bytes.Buffer
	p := process(t, "good")
	p.Log = &log
	result, err := p.Run(t.Context(), httpSpec(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }), target,
		func(p image.Progress) { last = p })
	require.NoError(t, err)
	require.Equal(t, image.Result{Format: "raw", VirtualSizeBytes: mib, TransferredBytes: mib, WrittenBytes: mib}, result)
	require.Equal(t, int64(mib), last.TransferredBytes)
	require.Contains(t, log.String(), "volume filled")
	got, err := os.ReadFile(target.Name())
	require.NoError(t, err)
	require.True(t, bytes.Equal(append(body, make([]byte, mib)...), got))
}

func TestRunMakesABlankVolume(t *testing.T) {
	t.Parallel()
	target := newTarget(t)
	_, err := process(t, "good").Run(t.Context(), importer.Spec{SizeBytes: mib, Blank: true}, target, nil)
	require.NoError(t, err)
	info, err := target.Stat()
	require.NoError(t, err)
	require.Equal(t, int64(mib), info.Size())
}

func TestRunReturnsTheImportersError(t *testing.T) {
	t.Parallel()
	_, err := process(t, "good").Run(t.Context(), httpSpec(t, http.NotFound), newTarget(t), nil)
	typed := requireReason(t, err, failure.NotFound)
	require.False(t, typed.Permanent)

	_, err = process(t, "good").Run(t.Context(), importer.Spec{}, newTarget(t), nil)
	require.True(t, requireReason(t, err, failure.InvalidRequest).Permanent)
}

func TestRunStopsTheImporterAndTheVolumeIsEmpty(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	spec := httpSpec(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte{0, 1}, mib/2))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	target := newTarget(t)
	p := process(t, "good")
	p.StopTimeout = time.Minute
	_, err := p.Run(ctx, spec, target, func(p image.Progress) {
		if p.TransferredBytes > 0 {
			cancel()
		}
	})
	requireReason(t, err, failure.Aborted)
	info, err := target.Stat()
	require.NoError(t, err)
	require.Zero(t, info.Size())
}

func TestRunOutlivesEveryKindOfBadImporter(t *testing.T) {
	t.Parallel()
	for role, message := range map[string]string{
		"liar":         "exit status 1",
		"babbler":      "protocol",
		"endless line": "too long",
		"killed":       "signal: killed): last words",
		"silent":       "exit status 0",
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			_, err := process(t, role).Run(t.Context(), importer.Spec{SizeBytes: mib, Blank: true}, newTarget(t), nil)
			typed := requireReason(t, err, failure.ImporterCrashed)
			assert.Contains(t, typed.Message, message)
			assert.False(t, typed.Permanent)
		})
	}
}

func TestRunKillsAnImporterThatDoesNotStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := process(t, "deaf").Run(ctx, importer.Spec{SizeBytes: mib, Blank: true}, newTarget(t), func(image.Progress) { cancel() })
	requireReason(t, err, failure.Aborted)
}

func TestRunTellsThatItCannotStart(t *testing.T) {
	t.Parallel()
	_, err := importer.Process{Path: "/nowhere/virt-importer"}.Run(t.Context(), importer.Spec{SizeBytes: mib, Blank: true}, newTarget(t), nil)
	typed := requireReason(t, err, failure.ImporterCrashed)
	require.Contains(t, typed.Message, "/nowhere/virt-importer")
}

func TestRunHandsOnProxySettingsAndNothingElse(t *testing.T) {
	t.Setenv("https_proxy", "http://proxy:3128")
	t.Setenv("SOME_TOKEN", "secret")
	var log bytes.Buffer
	p := process(t, "environment")
	p.Log = &log
	_, err := p.Run(t.Context(), importer.Spec{SizeBytes: mib, Blank: true}, newTarget(t), nil)
	requireReason(t, err, failure.ImporterCrashed)
	fields := strings.Fields(log.String())
	require.Contains(t, fields, "https_proxy=http://proxy:3128")
	require.NotContains(t, log.String(), "secret")
}
