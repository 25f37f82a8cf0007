// SPDX-License-Identifier: Apache-2.0

package processes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/volumes"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

const (
	mib = 1 << 20
	// importForever makes the test's binary the server that TestAKilledServerLeavesNoImporter kills.
	importForever = "PROCESSES_TEST_IMPORT_FOREVER"
	programPath   = "PROCESSES_TEST_IMPORTER"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if url := os.Getenv(importForever); url != "" {
		return serveForever(url)
	}
	// Nobody else can pass this directory, as with a checkout below /root.
	dir, err := os.MkdirTemp("", "virt-importer-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, importerName)
	build := exec.Command("go", "build", "-o", path, "github.com/virt-apiserver/virt-apiserver/cmd/virt-importer")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the importer:", err)
		return 1
	}
	if err := os.Setenv(programPath, path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// machine is the importers of a machine with their store.
type machine struct {
	*Importers
	t       *testing.T
	store   *volumes.Store
	changes chan types.NamespacedName
}

// config lets importers reach the servers of tests, on loopback.
func config(targets Targets, limit int) Config {
	return Config{
		Program: os.Getenv(programPath), Targets: targets, Limit: limit,
		AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
}

func newMachine(t *testing.T, store *volumes.Store, limit int) *machine {
	t.Helper()
	importers, err := NewImporters(t.Context(), config(store, limit))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, importers.Close()) })
	m := &machine{Importers: importers, t: t, store: store, changes: make(chan types.NamespacedName, 1000)}
	importers.OnChange(func(key types.NamespacedName) { m.changes <- key })
	return m
}

func openStore(t *testing.T, dir string) *volumes.Store {
	t.Helper()
	store, err := volumes.Open(filepath.Join(dir, "volumes"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return store
}

func importOf(name, url string) workload.Import {
	return workload.Import{
		Claim: &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(uuid.NewString())},
		},
		Size: 4 * mib,
		HTTP: &source.HTTP{URL: url},
	}
}

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "default", Name: name}
}

func (m *machine) start(imp workload.Import) {
	m.t.Helper()
	require.NoError(m.t, m.Start(m.t.Context(), imp))
}

// reach waits, for changes that are told, until the import is in phase.
func (m *machine) reach(name string, phase workload.ImportPhase) workload.ImportState {
	m.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		state, ok := m.State(key(name))
		if ok && state.Phase == phase {
			return state
		}
		require.False(m.t, ok && state.Phase == workload.ImportFailed, "%+v", state.Failure)
		select {
		case <-m.changes:
		case <-timeout:
			m.t.Fatalf("import %s is %+v, not %s", name, state, phase)
		}
	}
}

// left are the files below the store, which may go while they are listed.
func (m *machine) left() []string {
	var files []string
	err := filepath.WalkDir(m.store.Path(), func(path string, _ os.DirEntry, err error) error {
		switch {
		case path == m.store.Path():
			return err
		case errors.Is(err, os.ErrNotExist):
			return nil
		case err != nil:
			return err
		}
		files = append(files, strings.TrimPrefix(path, m.store.Path()+"/"))
		return nil
	})
	require.NoError(m.t, err)
	return files
}

func disk(m *machine, imp workload.Import) string {
	return filepath.Join(m.store.Path(), string(imp.Claim.UID), "disk.img")
}

// rawImage begins with a boot sector.
func rawImage() []byte {
	image := bytes.Repeat([]byte{0xa5, 0, 1, 2}, mib/4)
	image[510], image[511] = 0x55, 0xaa
	return image
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/disk.img"
}

func serveImage(t *testing.T) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "disk.img", time.Time{}, bytes.NewReader(rawImage()))
	})
}

// stall serves half an image, tells of it and of its end, and waits for the client to go, or for the test to end.
func stall(t *testing.T) (url string, begun, ended <-chan struct{}) {
	t.Helper()
	b, e := make(chan struct{}, 10), make(chan struct{}, 10)
	url = serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(mib))
		if r.Method == http.MethodHead {
			return
		}
		_, _ = w.Write(rawImage()[:mib/2])
		w.(http.Flusher).Flush()
		b <- struct{}{}
		select {
		case <-r.Context().Done():
			e <- struct{}{}
		case <-t.Context().Done():
		}
	})
	return url, b, e
}

func receive(t *testing.T, what string, from <-chan struct{}) {
	t.Helper()
	select {
	case <-from:
	case <-time.After(20 * time.Second):
		t.Fatal("waited in vain for " + what)
	}
}

func TestAnImageIsImported(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 1)
	imp := importOf("disk", serveImage(t))
	imp.Attempt = 3
	m.start(imp)
	state := m.reach("disk", workload.ImportSucceeded)
	assert.Equal(t, workload.ImportState{Claim: imp.Claim.UID, Attempt: 3, Phase: workload.ImportSucceeded, Progress: 1}, state)
	content, err := os.ReadFile(disk(m, imp))
	require.NoError(t, err)
	require.Len(t, content, 4*mib)
	assert.True(t, bytes.Equal(rawImage(), content[:mib]))
	assert.True(t, bytes.Equal(make([]byte, 3*mib), content[mib:]))
	assert.Len(t, m.left(), 2)
}

func TestABlankDiskIsMade(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 1)
	imp := importOf("disk", "")
	imp.HTTP = nil
	m.start(imp)
	m.reach("disk", workload.ImportSucceeded)
	info, err := os.Stat(disk(m, imp))
	require.NoError(t, err)
	assert.EqualValues(t, 4*mib, info.Size())
}

func TestAFailedImportLeavesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		handler   http.HandlerFunc
		change    func(*workload.Import)
		reason    string
		permanent bool
	}{
		"not found": {handler: http.NotFound, reason: "NotFound"},
		"truncated": {handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(mib))
			_, _ = w.Write(rawImage()[:1000])
		}, reason: "Truncated"},
		"wrong checksum": {
			handler:   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(rawImage()) },
			change:    func(imp *workload.Import) { imp.HTTP.Checksum = "md5:" + strings.Repeat("0", 32) },
			reason:    "ChecksumError",
			permanent: true,
		},
		"too large": {
			handler:   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(rawImage()) },
			change:    func(imp *workload.Import) { imp.Size = mib / 2 },
			reason:    "ImageTooLarge",
			permanent: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, openStore(t, t.TempDir()), 1)
			imp := importOf("disk", serve(t, test.handler))
			if test.change != nil {
				test.change(&imp)
			}
			m.start(imp)
			state := m.reach("disk", workload.ImportFailed)
			assert.Equal(t, test.reason, state.Failure.Reason, state.Failure.Message)
			assert.Equal(t, test.permanent, state.Failure.Permanent)
			assert.NotEmpty(t, state.Failure.Message)
			assert.Empty(t, m.left())
		})
	}
}

func TestAFullDiskIsSaidAndLeftEmpty(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"))
	// Detached, as a child that another test is just starting may still have a file open.
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	m := newMachine(t, openStore(t, dir), 1)
	m.start(importOf("disk", serveImage(t)))
	state := m.reach("disk", workload.ImportFailed)
	assert.Equal(t, "NoSpace", state.Failure.Reason)
	assert.False(t, state.Failure.Permanent)
	assert.Empty(t, m.left())
}

func TestStartingAgainChangesNothing(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 1)
	url, begun, _ := stall(t)
	imp := importOf("disk", url)
	m.start(imp)
	receive(t, "the transfer", begun)
	m.start(imp)
	state, ok := m.State(key("disk"))
	require.True(t, ok)
	assert.Equal(t, workload.ImportRunning, state.Phase)
	assert.Empty(t, begun)
}

func TestAFilledClaimSucceedsAtOnce(t *testing.T) {
	store := openStore(t, t.TempDir())
	m := newMachine(t, store, 1)
	imp := importOf("disk", serveImage(t))
	m.start(imp)
	m.reach("disk", workload.ImportSucceeded)
	require.NoError(t, m.Stop(t.Context(), key("disk")))
	_, ok := m.State(key("disk"))
	assert.False(t, ok, "a stopped import is forgotten")

	imp.HTTP.URL = "http://127.0.0.1:1/gone"
	again := newMachine(t, store, 1)
	again.start(imp)
	again.reach("disk", workload.ImportSucceeded)
}

func TestStopEndsTheTransferAndTheNextBeginsAnew(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 1)
	url, begun, ended := stall(t)
	imp := importOf("disk", url)
	m.start(imp)
	receive(t, "the transfer", begun)
	require.NoError(t, m.Stop(t.Context(), key("disk")))
	_, ok := m.State(key("disk"))
	assert.False(t, ok)

	imp.HTTP = &source.HTTP{URL: serveImage(t)}
	m.start(imp)
	receive(t, "the end of the first transfer", ended)
	m.reach("disk", workload.ImportSucceeded)
	require.NoError(t, m.Stop(t.Context(), key("disk")))
	require.NoError(t, m.Stop(t.Context(), key("disk")), "also where nothing is")
	assert.FileExists(t, disk(m, imp))
}

func TestStopLeavesNothing(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 1)
	url, begun, ended := stall(t)
	m.start(importOf("disk", url))
	receive(t, "the transfer", begun)
	require.NoError(t, m.Stop(t.Context(), key("disk")))
	receive(t, "the end of the transfer", ended)
	require.Eventually(t, func() bool { return len(m.left()) == 0 }, time.Minute, 5*time.Millisecond)
}

func TestANewClaimOfTheNameReplacesTheOld(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 1)
	url, begun, ended := stall(t)
	m.start(importOf("disk", url))
	receive(t, "the transfer", begun)
	imp := importOf("disk", serveImage(t))
	m.start(imp)
	receive(t, "the end of the first transfer", ended)
	state := m.reach("disk", workload.ImportSucceeded)
	assert.Equal(t, imp.Claim.UID, state.Claim)
	assert.Len(t, m.left(), 2)
}

func TestImportsWaitInLine(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 1)
	url, begun, _ := stall(t)
	m.start(importOf("first", url))
	receive(t, "the transfer", begun)
	m.start(importOf("second", serveImage(t)))
	state, ok := m.State(key("second"))
	require.True(t, ok)
	assert.Equal(t, workload.ImportScheduled, state.Phase)
	require.NoError(t, m.Stop(t.Context(), key("first")))
	m.reach("second", workload.ImportSucceeded)
}

func TestProgressIsTold(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 1)
	url, begun, _ := stall(t)
	m.start(importOf("disk", url))
	receive(t, "the transfer", begun)
	require.Eventually(t, func() bool {
		state, _ := m.State(key("disk"))
		return state.Progress == 0.5
	}, time.Minute, 5*time.Millisecond)
}

func TestImportersRunAsNobody(t *testing.T) {
	m := newMachine(t, openStore(t, t.TempDir()), 1)
	url, begun, _ := stall(t)
	m.start(importOf("disk", url))
	receive(t, "the transfer", begun)
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", os.Getpid()))
	require.NoError(t, err)
	var pids []string
	for _, file := range children {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		pids = append(pids, strings.Fields(string(content))...)
	}
	require.Len(t, pids, 1)
	var stat unix.Stat_t
	require.NoError(t, unix.Stat("/proc/"+pids[0]+"/status", &stat))
	status, err := os.ReadFile("/proc/" + pids[0] + "/status")
	require.NoError(t, err)
	assert.Contains(t, string(status), "Name:\tvirt-importer\n")
	assert.Contains(t, string(status), "Uid:\t65534\t65534\t65534\t65534")
	assert.Contains(t, string(status), "Gid:\t65534\t65534\t65534\t65534")
	assert.Contains(t, string(status), "CapEff:\t0000000000000000")
	// Each thread is in the sandbox.
	threads, err := filepath.Glob("/proc/" + pids[0] + "/task/*/status")
	require.NoError(t, err)
	require.NotEmpty(t, threads)
	for _, thread := range threads {
		status, err := os.ReadFile(thread)
		require.NoError(t, err)
		assert.Contains(t, string(status), "NoNewPrivs:\t1\n")
		assert.Contains(t, string(status), "Seccomp:\t2\n")
	}
}

func TestNoImporterRunsAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run it as somebody else")
	}
	private := filepath.Join(t.TempDir(), "virt-importer")
	content, err := os.ReadFile(os.Getenv(programPath))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(private, content, 0o700))
	_, err = NewImporters(t.Context(), Config{Program: private, Limit: 1})
	require.ErrorContains(t, err, "let everyone read and execute it: chmod 755 "+private)
}

func TestAnImporterThatCannotRunIsSaid(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "virt-importer")
	_, err := NewImporters(t.Context(), Config{Program: missing, Limit: 1})
	require.ErrorContains(t, err, missing)
	require.ErrorContains(t, err, "put it beside the server")

	broken := filepath.Join(t.TempDir(), "virt-importer")
	require.NoError(t, os.WriteFile(broken, []byte("#!/bin/false\n"), 0o755))
	_, err = NewImporters(t.Context(), Config{Program: broken, Limit: 1})
	require.ErrorContains(t, err, "run "+broken)

	_, err = NewImporters(t.Context(), config(nil, 0))
	require.ErrorContains(t, err, "at least one")
}

func TestCloseEndsAllImports(t *testing.T) {
	store := openStore(t, t.TempDir())
	importers, err := NewImporters(t.Context(), config(store, 1))
	require.NoError(t, err)
	url, begun, ended := stall(t)
	require.NoError(t, importers.Start(t.Context(), importOf("first", url)))
	receive(t, "the transfer", begun)
	require.NoError(t, importers.Start(t.Context(), importOf("second", url)))
	require.NoError(t, importers.Close())
	receive(t, "the end of the transfer", ended)
	require.Error(t, importers.Start(t.Context(), importOf("third", url)))
	entries, err := os.ReadDir(store.Path())
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// serveForever imports the image at url until it is killed.
func serveForever(url string) int {
	store, err := volumes.Open(os.Getenv("STORE"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	importers, err := NewImporters(context.Background(), config(store, 1))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	imp := importOf("disk", url)
	imp.Claim.UID = types.UID(os.Getenv("CLAIM"))
	if err := importers.Start(context.Background(), imp); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 1
}

func TestAKilledServerLeavesNoImporter(t *testing.T) {
	store := openStore(t, t.TempDir())
	url, begun, ended := stall(t)
	imp := importOf("disk", url)
	self, err := os.Executable()
	require.NoError(t, err)
	server := exec.Command(self)
	server.Env = append(os.Environ(), importForever+"="+url, "STORE="+store.Path(), "CLAIM="+string(imp.Claim.UID))
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	require.NoError(t, server.Start())
	receive(t, "the transfer", begun)
	require.NoError(t, server.Process.Kill())
	require.Error(t, server.Wait())
	receive(t, "the end of the importer", ended)

	m := newMachine(t, store, 1)
	filled, err := store.Filled(imp.Claim)
	require.NoError(t, err)
	assert.False(t, filled, "half an import is no disk")
	imp.HTTP.URL = serveImage(t)
	m.start(imp)
	m.reach("disk", workload.ImportSucceeded)
	assert.Len(t, m.left(), 2)
}
