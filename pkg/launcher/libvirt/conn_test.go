// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

const (
	testUID = types.UID("0f3b1d5c-7a52-4c1e-9a53-6f0d2f8f7c11")
	soon    = time.Minute
)

func TestMain(m *testing.M) {
	if err := RunEvents(slog.New(slog.DiscardHandler)); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// recorder counts what it is told.
type recorder struct{ connected, changed atomic.Int32 }

func (r *recorder) Connected()     { r.connected.Add(1) }
func (r *recorder) Changed(string) { r.changed.Add(1) }
func (r *recorder) Resized(string) { r.changed.Add(1) }

func (r *recorder) AgentChanged(string) { r.changed.Add(1) }

// connect runs a connection until the test ends and waits until it is up.
func connect(t *testing.T, options Options) (*Conn, *recorder) {
	t.Helper()
	options.Owner, options.Log = "laptop", slog.New(slog.DiscardHandler)
	conn, watcher := New(options), &recorder{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn.Run(ctx, watcher)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	require.Eventually(t, func() bool { return watcher.connected.Load() > 0 }, soon, time.Millisecond)
	return conn, watcher
}

// goldens are the domains that package domain's tests build.
func goldens(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../domain/testdata/*.xml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func TestLibvirtAcceptsWhatIsBuilt(t *testing.T) {
	daemon := launchertest.StartLibvirtd(t)
	conn, _ := connect(t, Options{URI: daemon.URI()})
	kvm := offersKVM(t, conn)
	for _, file := range goldens(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			xml, err := os.ReadFile(file)
			require.NoError(t, err)
			err = conn.use(func(c *libvirt.Connect) error {
				d, err := c.DomainDefineXMLFlags(string(xml), libvirt.DOMAIN_DEFINE_VALIDATE) // against its schema
				if err != nil {
					return err
				}
				return d.Free()
			})
			if !kvm && strings.HasSuffix(file, ".kvm.xml") {
				// Libvirt looks for KVM once it has taken the rest: the schema was judged before.
				require.ErrorContains(t, err, "does not support virt type 'kvm'")
				return
			}
			require.NoError(t, err)
			list, err := conn.List()
			require.NoError(t, err)
			require.Len(t, list, 1)
			assert.Equal(t, "shop_web-1", list[0].Name)
			assert.Equal(t, testUID, list[0].Identity.UID)
			require.NoError(t, conn.Do(launcher.Ref{UUID: list[0].UUID, UID: testUID}, launcher.ActionUndefine))
		})
	}
}

// offersKVM is false where the host has no /dev/kvm.
func offersKVM(t *testing.T, conn *Conn) bool {
	t.Helper()
	var offered bool
	require.NoError(t, conn.use(func(c *libvirt.Connect) error {
		_, err := c.GetDomainCapabilities("", "x86_64", "", "kvm", 0)
		offered = err == nil
		return nil
	}))
	return offered
}

func TestDomainsOfOthersAreNotThere(t *testing.T) {
	daemon := launchertest.StartLibvirtd(t)
	conn, _ := connect(t, Options{URI: daemon.URI()})
	xml, err := os.ReadFile("../domain/testdata/bare.qemu.xml")
	require.NoError(t, err)
	require.NoError(t, conn.Define(strings.Replace(string(xml), `owner="laptop"`, `owner="other"`, 1)))
	found, err := conn.Find("shop_web-1", "a2b3c4d5-0000-4000-8000-000000000001")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "other", found[0].Identity.Owner)

	list, err := conn.List()
	require.NoError(t, err)
	assert.Empty(t, list)
	ref := launcher.Ref{UUID: found[0].UUID, UID: testUID}
	power, err := conn.Power(ref)
	require.NoError(t, err)
	assert.Equal(t, launcher.PowerGone, power)
	require.ErrorIs(t, conn.Do(ref, launcher.ActionUndefine), launcher.ErrNoDomain)
	_, err = conn.Describe(ref)
	require.ErrorIs(t, err, launcher.ErrNoDomain)
}

func TestConnectionComesBack(t *testing.T) {
	daemon := launchertest.StartLibvirtd(t)
	var recovered atomic.Int32
	conn, watcher := connect(t, Options{URI: daemon.URI(), Recover: func(context.Context) error {
		if recovered.Add(1) == 1 {
			daemon.Start(t)
		}
		return nil
	}})
	assert.Regexp(t, `^\d+\.\d+\.\d+$`, conn.Connection().Version)
	daemon.Kill()
	require.Eventually(t, func() bool { return watcher.connected.Load() == 2 }, soon, time.Millisecond)
	_, err := conn.List()
	require.NoError(t, err)
}

func TestLogDaemonIsBroughtBack(t *testing.T) {
	daemon := launchertest.StartLibvirtd(t)
	xml, err := os.ReadFile("../domain/testdata/minimal.qemu.xml")
	require.NoError(t, err)
	dir := launchertest.Dir(t)
	text := strings.NewReplacer("/run/virt-apiserver/", dir+"/", "/state/", dir+"/").Replace(string(xml))
	for name, test := range map[string]struct {
		recover func(context.Context) error
		want    string
	}{
		"by the launcher": {func(context.Context) error { daemon.StartLog(t); return nil }, ""},
		"by the user":     {nil, "start it: virtlogd -d"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, _ := connect(t, Options{URI: daemon.URI(), Recover: test.recover})
			require.NoError(t, conn.Define(text))
			list, err := conn.List()
			require.NoError(t, err)
			ref := launcher.Ref{UUID: list[0].UUID, UID: testUID}
			daemon.KillLog()
			err = conn.Start(ref, launcher.ActionStart, nil)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				require.NotErrorIs(t, err, launcher.ErrUnavailable)
				return
			}
			require.NoError(t, err)
			require.NoError(t, conn.Do(ref, launcher.ActionDestroy))
		})
	}
}

func TestWithoutLibvirtEverythingIsUnavailable(t *testing.T) {
	conn := New(Options{URI: "qemu+unix:///system?socket=/nonexistent", Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn.Run(ctx, &recorder{})
	}()
	require.Eventually(t, func() bool { return strings.Contains(conn.Connection().Message, "start it: ") }, soon, time.Millisecond)
	ref := launcher.Ref{}
	_, listErr := conn.List()
	_, powerErr := conn.Power(ref)
	_, probeErr := conn.ProbeKVM(ctx, "")
	for _, err := range []error{listErr, powerErr, probeErr, conn.Define(""), conn.Start(ref, launcher.ActionStart, nil), conn.Do(ref, launcher.ActionReset)} {
		require.ErrorIs(t, err, launcher.ErrUnavailable)
	}
	cancel()
	<-done
}

func TestProbeSeesAGuestPowerOff(t *testing.T) {
	daemon := launchertest.StartLibvirtd(t)
	conn, _ := connect(t, Options{URI: daemon.URI()})
	dir := launchertest.Dir(t)
	off, hang := filepath.Join(dir, "off.img"), filepath.Join(dir, "hang.img")
	require.NoError(t, os.WriteFile(off, launcher.PowerOffImage(), 0o600))
	require.NoError(t, os.WriteFile(hang, launchertest.GuestImage(), 0o600))

	took, problem, err := conn.probe(t.Context(), "qemu", off)
	require.NoError(t, err)
	assert.Empty(t, problem)
	assert.Less(t, took, probeLimit)

	_, problem, err = conn.probe(t.Context(), "qemu", hang)
	require.NoError(t, err)
	assert.Contains(t, problem, "hung")

	problem, err = conn.ProbeKVM(t.Context(), off)
	require.NoError(t, err)
	t.Log("KVM: ", problem)

	_, err = conn.ProbeKVM(t.Context(), filepath.Join(dir, "missing.img"))
	require.ErrorIs(t, err, errNotStarted, "no guest starts, which says nothing of KVM")
	assert.Empty(t, daemon.Virsh(t, "list", "--all", "--name"))
}

func TestErrorsKeepLibvirtsWords(t *testing.T) {
	for name, test := range map[string]struct {
		err  libvirt.Error
		want error
	}{
		"no domain":   {libvirt.Error{Code: libvirt.ERR_NO_DOMAIN}, launcher.ErrNoDomain},
		"not running": {libvirt.Error{Code: libvirt.ERR_OPERATION_INVALID}, launcher.ErrNotRunning},
		"unsupported": {libvirt.Error{Code: libvirt.ERR_CONFIG_UNSUPPORTED}, launcher.ErrUnsupported},
		"lost":        {libvirt.Error{Code: libvirt.ERR_SYSTEM_ERROR, Domain: libvirt.FROM_RPC}, launcher.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			test.err.Message = "what\nlibvirt   says"
			err := translate(test.err)
			require.ErrorIs(t, err, test.want)
			assert.ErrorContains(t, err, "what libvirt says")
		})
	}
	machine := translate(libvirt.Error{Code: libvirt.ERR_CONFIG_UNSUPPORTED, Message: "Emulator 'qemu' does not support machine type 'pc-q35-rhel9.4.0'"})
	assert.ErrorContains(t, machine, "'pc-q35-rhel9.4.0'; use q35, which is the newest that this node's QEMU has")
	assert.Equal(t, io.EOF, translate(io.EOF))
	assert.NoError(t, translate(nil))
	long := text(errors.New(strings.Repeat("ü", maxMessage)))
	assert.LessOrEqual(t, len(long), maxMessage+len("…"))
}

func TestLibvirtIsStartedOnlyWhereNobodyElseDoes(t *testing.T) {
	assert.Nil(t, SystemRecover("qemu+unix:///system?socket=/elsewhere"))
	assert.Nil(t, SystemRecover("qemu:///session"))
}
