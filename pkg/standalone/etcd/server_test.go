// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// childDir makes the test binary a server on the directory that it names; see TestMain.
const childDir = "ETCD_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := writeForever(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeForever prints the number of each write after it was acknowledged.
func writeForever(dir string) error {
	ctx := context.Background()
	server, err := Start(ctx, Config{Dir: dir})
	if err != nil {
		return err
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: server.ServerList()})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		if _, err := client.Put(ctx, "/n/"+strconv.Itoa(i), strconv.Itoa(i)); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

func start(t *testing.T, dir string) (*Server, *clientv3.Client) {
	t.Helper()
	server, err := Start(t.Context(), Config{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client, err := clientv3.New(clientv3.Config{Endpoints: server.ServerList(), DialTimeout: 5 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	return server, client
}

func TestRestartContinuesWhereItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	server, client := start(t, dir)
	put, err := client.Put(t.Context(), "/a", "1")
	require.NoError(t, err)
	require.NoError(t, client.Close())
	server.Close()

	_, client = start(t, dir)
	got, err := client.Get(t.Context(), "/a")
	require.NoError(t, err)
	require.Len(t, got.Kvs, 1)
	assert.Equal(t, "1", string(got.Kvs[0].Value))
	assert.Equal(t, put.Header.Revision, got.Header.Revision)
	assert.Equal(t, put.Header.ClusterId, got.Header.ClusterId)
}

func TestOnlyTheOwnerCanReachIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	start(t, dir)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	assert.FileExists(t, filepath.Join(dir, "version"))
	for _, name := range []string{clientSocket, peerSocket, httpSocket} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, os.ModeSocket, info.Mode().Type())
	}
}

func TestPathMayBeLongerThanASocketAddress(t *testing.T) {
	parent := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	require.NoError(t, os.Mkdir(parent, 0o700))
	_, client := start(t, filepath.Join(parent, "etcd"))
	_, err := client.Put(t.Context(), "/a", "1")
	require.NoError(t, err)
}

func TestSecondServerIsRefusedAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	start(t, dir)
	began := time.Now()
	_, err := Start(t.Context(), Config{Dir: dir})
	require.ErrorContains(t, err, dir+" is in use by another server (process "+strconv.Itoa(os.Getpid())+")")
	assert.Less(t, time.Since(began), time.Second)
}

func TestDataRecordTheirVersion(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	server, _ := start(t, dir)
	server.Close()
	recorded, err := os.ReadFile(filepath.Join(dir, versionName))
	require.NoError(t, err)
	assert.Equal(t, "3.7\n", string(recorded))
}

func TestForeignDataAreRefused(t *testing.T) {
	for content, want := range map[string]string{
		"3.8\n":  "was written by etcd 3.8",
		"3.5\n":  "was written by etcd 3.5",
		"4.0\n":  "was written by etcd 4.0",
		"hello":  `holds "hello" instead of a version`,
		"3.6\n":  "",
		" 3.7\n": "",
	} {
		t.Run(content, func(t *testing.T) {
			root, err := os.OpenRoot(t.TempDir())
			require.NoError(t, err)
			require.NoError(t, root.WriteFile(versionName, []byte(content), 0o600))
			err = checkVersion(root)
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, want)
		})
	}
}

func TestHalfMadeDataAreMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, initName, "member", "wal"), 0o700))
	_, client := start(t, dir)
	_, err := client.Put(t.Context(), "/a", "1")
	require.NoError(t, err)
	assert.NoDirExists(t, filepath.Join(dir, initName))
}

func TestUnexpectedStopIsReported(t *testing.T) {
	server, _ := start(t, filepath.Join(t.TempDir(), "etcd"))
	server.member.Etcd.Server.Stop()
	select {
	case err := <-server.Err():
		require.ErrorContains(t, err, "etcd stopped")
	case <-time.After(10 * time.Second):
		t.Fatal("no error")
	}
}

func TestCloseReportsNothing(t *testing.T) {
	server, client := start(t, filepath.Join(t.TempDir(), "etcd"))
	require.NoError(t, client.Close())
	server.Close()
	server.Close()
	select {
	case err := <-server.Err():
		t.Fatal(err)
	default:
	}
}

func TestKilledServerLosesNoAcknowledgedWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	acknowledged := -1
	for range 3 {
		acknowledged = max(acknowledged, killAfterWrites(t, dir, 50))
	}
	_, client := start(t, dir)
	for i := 0; i <= acknowledged; i++ {
		got, err := client.Get(t.Context(), "/n/"+strconv.Itoa(i))
		require.NoError(t, err)
		require.Len(t, got.Kvs, 1, "write %d is lost", i)
	}
}

// killAfterWrites kills a server in a child process in the midst of its writes and returns the last one that
// was acknowledged.
func killAfterWrites(t *testing.T, dir string, writes int) int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines, last := bufio.NewScanner(out), -1
	for lines.Scan() {
		last, err = strconv.Atoi(lines.Text())
		require.NoError(t, err)
		if last == writes {
			require.NoError(t, child.Process.Kill())
		}
	}
	require.Error(t, child.Wait())
	require.GreaterOrEqual(t, last, writes)
	return last
}
