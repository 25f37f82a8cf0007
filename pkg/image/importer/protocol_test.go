// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

func reader(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }

func TestReadSpecRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for line, message := range map[string]string{
		"": "EOF",
		`{"blank":true,"sizeBytes":1}` + "\nignored":              "",
		`{"blank":true,"sizeBytes":1,"sizebites":2}`:              "sizebites",
		`{"blank":true,"sizeBytes":1} {}`:                         "more than one",
		`{"blank":true,"sizeBytes":1,"http":{"url":"http://h/"}}`: "exactly one",
		`{"sizeBytes":1}`: "exactly one",
		`{"blank":true}`:  "sizeBytes",
		`{"blank":true,"sizeBytes":1,"idleTimeoutSeconds":-1}`:                "idleTimeoutSeconds",
		`{"sizeBytes":1,"container":{"image":"a","plain":true}}`:              "spec.container.path",
		`{"sizeBytes":1,"container":{"image":"a","path":"/k","plain":true}}`:  "",
		`{"sizeBytes":1,"http":{"url":"ftp://h/"}}`:                           "spec.http.url",
		`{"sizeBytes":1,"http":{"url":"http://h/","checksum":"x"}}`:           "spec.http.checksum",
		`{"sizeBytes":1,"http":{"url":"` + strings.Repeat("x", 1<<20) + `"}}`: "too long",
	} {
		_, err := readSpec(reader(line))
		if message == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, message)
	}
}

func TestReadMessageWantsOneOutcomeALine(t *testing.T) {
	t.Parallel()
	in := reader(`{"progress":{"transferredBytes":1,"totalBytes":2,"writtenBytes":3}}
{"error":{"reason":"NotFound","message":"m","permanent":true}}
{}
{"error":{"reason":"a","message":"","permanent":true},"progress":{}}
`)
	m, err := readMessage(in)
	require.NoError(t, err)
	require.Equal(t, int64(3), m.Progress.WrittenBytes)
	m, err = readMessage(in)
	require.NoError(t, err)
	require.Equal(t, &failure.Error{Reason: "NotFound", Message: "m", Permanent: true}, m.Error)
	for range 2 {
		_, err = readMessage(in)
		require.ErrorContains(t, err, "want one")
	}
	_, err = readMessage(in)
	require.ErrorIs(t, err, io.EOF)
}

func TestServeStopsWhenItsParentIsGone(t *testing.T) {
	t.Parallel()
	target, err := os.Create(filepath.Join(t.TempDir(), "volume"))
	require.NoError(t, err)
	defer target.Close()
	// A server that never answers: only the end of stdin can end this.
	spec := `{"sizeBytes":1048576,"allowCIDRs":["127.0.0.0/8"],"http":{"url":"http://` + silentServer(t) + `/"}}` + "\n"
	var stdout strings.Builder
	err = Serve(t.Context(), strings.NewReader(spec), &stdout, target, slog.New(slog.DiscardHandler))
	require.Equal(t, failure.Aborted, failure.From(err).Reason)
	require.Contains(t, stdout.String(), `{"error":{"reason":"Aborted"`)
}

// FuzzProtocol wants every input to be read within its bounds or refused.
func FuzzProtocol(f *testing.F) {
	f.Add(`{"blank":true,"sizeBytes":1}`)
	f.Add(`{"progress":{"transferredBytes":1,"totalBytes":2,"writtenBytes":3}}` + "\n{}")
	f.Fuzz(func(t *testing.T, input string) {
		if spec, err := readSpec(reader(input)); err == nil && spec.Validate() != nil {
			t.Fatal("an invalid spec was accepted")
		}
		in := reader(input)
		for range 100 {
			if _, err := readMessage(in); errors.Is(err, io.EOF) {
				return
			}
		}
	})
}

// silentServer returns the address of a server that accepts connections only.
func silentServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}
