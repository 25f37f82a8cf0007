// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

// beLauncher in the environment makes the test's binary the launcher.
const beLauncher = "VIRT_LAUNCHER_TEST"

// soon is how long to wait for what takes a moment on an idle machine.
const soon = time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(beLauncher) != "" {
		os.Exit(run())
	}
	os.Exit(m.Run())
}

// probes keeps the result of the first launcher's probe for KVM for the others: a probe that hangs takes seconds.
var probes struct {
	sync.Mutex
	result []byte
}

// startFirstLauncher gives it the result of an earlier probe, or keeps that of its own.
func (n *node) startFirstLauncher(t *testing.T) {
	t.Helper()
	probes.Lock()
	defer probes.Unlock()
	kept := filepath.Join(n.dir, "state", "kvm-probe.json")
	if probes.result != nil {
		require.NoError(t, os.WriteFile(kept, probes.result, 0o600))
	}
	n.startLauncher(t)
	require.Eventually(t, func() bool {
		health, err := n.Health(t.Context())
		return err == nil && health.Accelerator != ""
	}, soon, 10*time.Millisecond)
	probes.result, _ = os.ReadFile(kept) // none where there is no device to probe
}

// node is a machine with a libvirt and a launcher of its own.
type node struct {
	libvirt *launchertest.Libvirtd
	*api.Client
	dir      string
	owner    string
	launcher *exec.Cmd
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := newDirs(t, "test")
	n.libvirt = launchertest.StartLibvirtd(t)
	n.startFirstLauncher(t)
	return n
}

// newDirs makes a node on which nothing runs yet.
func newDirs(t *testing.T, owner string) *node {
	t.Helper()
	n := &node{dir: launchertest.Dir(t), owner: owner}
	for _, dir := range []string{"volumes", "state"} {
		require.NoError(t, os.Mkdir(filepath.Join(n.dir, dir), 0o711))
	}
	n.Client = api.NewClient(filepath.Join(n.dir, "s", "launcher.sock"))
	return n
}

// startLauncher starts one, again too, and waits until it is connected to libvirt.
func (n *node) startLauncher(t *testing.T) {
	t.Helper()
	n.run(t, exec.Command(os.Args[0], n.args("--libvirt-uri", n.libvirt.URI())...))
}

func (n *node) args(more ...string) []string {
	return append([]string{
		"--socket", filepath.Join(n.dir, "s", "launcher.sock"),
		"--state-dir", filepath.Join(n.dir, "state"),
		"--runtime-dir", filepath.Join(n.dir, "r"),
		"--volume-root", filepath.Join(n.dir, "volumes"),
		"--instance-id", n.owner,
	}, more...)
}

// run starts a launcher and waits until it is connected to libvirt.
func (n *node) run(t *testing.T, launcher *exec.Cmd) {
	t.Helper()
	n.launcher = launcher
	n.launcher.Env = append(os.Environ(), beLauncher+"=1")
	log, err := os.OpenFile(filepath.Join(n.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer log.Close()
	n.launcher.Stdout, n.launcher.Stderr = log, log
	require.NoError(t, n.launcher.Start())
	t.Cleanup(func() {
		n.killLauncher()
		if t.Failed() {
			content, _ := os.ReadFile(filepath.Join(n.dir, "log"))
			t.Logf("the launcher's log:\n%s", content)
		}
	})
	n.awaitHealth(t, true)
}

// killLauncher ends it by SIGKILL.
func (n *node) killLauncher() {
	_ = n.launcher.Process.Kill()
	_ = n.launcher.Wait()
}

func (n *node) awaitHealth(t *testing.T, libvirt bool) *api.Health {
	t.Helper()
	var health *api.Health
	require.Eventually(t, func() bool {
		var err error
		health, err = n.Health(t.Context())
		return err == nil && health.Libvirt == libvirt
	}, soon, 10*time.Millisecond)
	return health
}

// newInstance is of the guest of package launchertest, on a disk of its own.
func (n *node) newInstance(t *testing.T, name string) *api.StartRequest {
	t.Helper()
	path := filepath.Join(n.dir, "volumes", name+".img")
	require.NoError(t, os.WriteFile(path, launchertest.GuestImage(), 0o600))
	instance := &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{Namespace: "test", Name: name, UID: types.UID(uuid.NewString())},
		Spec: kubevirtv1.VirtualMachineInstanceSpec{
			Domain: kubevirtv1.DomainSpec{
				Memory: &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("32Mi"))},
				Devices: kubevirtv1.Devices{Disks: []kubevirtv1.Disk{
					{Name: "root", DiskDevice: kubevirtv1.DiskDevice{Disk: &kubevirtv1.DiskTarget{Bus: ptr.To(kubevirtv1.DiskBusVirtio)}}},
				}},
			},
			Volumes: []kubevirtv1.Volume{{Name: "root", VolumeSource: kubevirtv1.VolumeSource{
				DataVolume: &kubevirtv1.DataVolumeSource{Name: name},
			}}},
		},
	}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&instance.Spec)
	kubevirtv1.SetIdentity(&instance.Spec, instance.UID)
	return &api.StartRequest{Instance: instance, Disks: map[string]api.DiskSource{"root": {Path: path}}}
}

// startGuest starts one and waits until it listens.
func (n *node) startGuest(t *testing.T, name string) *api.StartRequest {
	t.Helper()
	request := n.newInstance(t, name)
	status, err := n.Start(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, api.StateRunning, status.State)
	n.awaitLog(t, request, launchertest.GuestReady)
	return request
}

// awaitLog waits until the guest's console has shown text.
func (n *node) awaitLog(t *testing.T, request *api.StartRequest, text string) {
	t.Helper()
	log := n.consoleLog(request)
	require.Eventually(t, func() bool {
		content, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(content), text)
	}, soon, 10*time.Millisecond, "the guest did not say %q", text)
}

// errEnough ends a watch that has seen what it waited for.
var errEnough = errors.New("enough")

// await waits until the instance is in one of the states, and returns its status.
func (n *node) await(t *testing.T, request *api.StartRequest, states ...api.State) api.DomainStatus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	var last api.DomainStatus
	for {
		err := n.Watch(ctx, func(event api.Event) error {
			if event.Type != api.EventStatus || event.Status.UID != request.Instance.UID {
				return nil
			}
			last = event.Status
			for _, state := range states {
				if last.State == state {
					return errEnough
				}
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return last
		}
		require.NoError(t, ctx.Err(), "waited for %v, last: %+v, watch: %v", states, last, err)
	}
}

// say connects to the guest's console, sends text and closes.
func (n *node) say(t *testing.T, request *api.StartRequest, text string) {
	t.Helper()
	console := n.console(t, request)
	_, err := io.WriteString(console, text)
	require.NoError(t, err)
	if text != launchertest.GuestPowerOff && text != launchertest.GuestPanic {
		expect(t, console, text)
		require.NoError(t, console.Close())
		return
	}
	_, _ = io.Copy(io.Discard, console) // until the guest is gone
}

// openConsole connects to it without the launcher.
func (n *node) openConsole(t *testing.T, request *api.StartRequest) net.Conn {
	t.Helper()
	console, err := net.Dial("unix", filepath.Join(n.dir, "r", string(request.Instance.UID)+".console"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = console.Close() })
	return console
}

func write(t *testing.T, to io.Writer, text string) {
	t.Helper()
	_, err := io.WriteString(to, text)
	require.NoError(t, err)
}

func (n *node) console(t *testing.T, request *api.StartRequest) net.Conn {
	t.Helper()
	console, err := n.Console(t.Context(), api.Target{Namespace: request.Instance.Namespace, Name: request.Instance.Name, UID: request.Instance.UID})
	require.NoError(t, err)
	t.Cleanup(func() { _ = console.Close() })
	require.NoError(t, console.SetDeadline(time.Now().Add(soon)))
	return console
}

// expect reads until text comes.
func expect(t *testing.T, from io.Reader, text string) {
	t.Helper()
	var seen strings.Builder
	buffer := make([]byte, 256)
	for !strings.Contains(seen.String(), text) {
		read, err := from.Read(buffer)
		seen.Write(buffer[:read])
		require.NoError(t, err, "waited for %q, got %q", text, seen.String())
	}
}

func uuidOf(request *api.StartRequest) string {
	return string(ptr.Deref(request.Instance.Spec.Domain.Firmware.UUID, ""))
}

func (n *node) shutdown(t *testing.T, request *api.StartRequest, grace int64) {
	t.Helper()
	require.NoError(t, n.Shutdown(t.Context(), "test", request.Instance.Name, api.ShutdownRequest{GracePeriodSeconds: grace}))
}

// do makes a call about the guest "web".
func (n *node) do(t *testing.T, action string) error {
	t.Helper()
	return n.Call(t.Context(), api.Target{Namespace: "test", Name: "web"}, action, nil, nil)
}
