// SPDX-License-Identifier: Apache-2.0

package sandbox_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/sandbox"
)

// inside makes this program enter the sandbox and tell what it can do there: its value is a directory.
const inside = "TEST_SANDBOX_DIRECTORY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(inside); dir != "" {
		if err := tell(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// tell has many threads try.
func tell(dir string) error {
	begin, errs := make(chan struct{}), make(chan error)
	var ready sync.WaitGroup
	for range 8 {
		ready.Add(1)
		go func() {
			runtime.LockOSThread()
			ready.Done()
			<-begin
			errs <- try(dir)
		}()
	}
	ready.Wait()
	volume, err := os.OpenFile(filepath.Join(dir, "volume"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := sandbox.Enter(filepath.Join(dir, "image")); err != nil {
		return err
	}
	close(begin)
	var all []error
	for range 8 {
		all = append(all, <-errs)
	}
	if _, err := volume.WriteAt([]byte("x"), 4096); err != nil {
		all = append(all, err)
	}
	return errors.Join(append(all, volume.Truncate(1<<20))...)
}

func try(dir string) error {
	_, image := os.ReadFile(filepath.Join(dir, "image", "layer"))
	_, hosts := os.ReadFile("/etc/hosts")
	listener, listen := net.Listen("tcp", "127.0.0.1:0")
	if listen == nil {
		_ = listener.Close()
	}
	errs := []error{image, hosts, listen}
	for what, err := range map[string]error{
		"read another file": open(filepath.Join(dir, "volume")),
		"write":             os.WriteFile(filepath.Join(dir, "image", "new"), nil, 0o600),
		"run a program":     exec.Command("/bin/true").Run(),
		"unshare":           unix.Unshare(unix.CLONE_NEWUSER),
	} {
		if err == nil {
			errs = append(errs, fmt.Errorf("it can %s", what))
		}
	}
	if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || set != 1 {
		errs = append(errs, errors.New("it can gain rights"))
	}
	return errors.Join(errs...)
}

func open(path string) error {
	f, err := os.Open(path)
	if err == nil {
		_ = f.Close()
	}
	return err
}

func TestWhatIsNotNeededIsRefused(t *testing.T) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || version < 1 {
		t.Skip("the kernel has no Landlock")
	}
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "image"), 0o755))
	for _, file := range []string{"volume", "image/layer"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte("content"), 0o644))
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), inside+"="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Empty(t, string(out))
	info, err := os.Stat(filepath.Join(dir, "volume"))
	require.NoError(t, err)
	assert.EqualValues(t, 1<<20, info.Size())
}
