// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

// importFault is a source from which no disk can be made, and how that is told.
type importFault struct {
	name    string
	handler http.Handler
	// tls serves with a certificate that nobody trusts.
	tls      bool
	checksum string

	reason, message string
	// permanent: it is not tried again.
	permanent bool
}

// word is the reason that clients look for.
func (f importFault) word() string {
	if f.checksum != "" {
		return cdiv1.RunningReasonChecksumError
	}
	return cdiv1.RunningReasonError
}

func importFaults(t *testing.T) []importFault {
	return []importFault{
		{name: "404", handler: http.NotFoundHandler(), reason: "NotFound", message: "check the URL"},
		{name: "500", handler: answer(http.StatusInternalServerError), reason: "ServerError", message: "500"},
		{name: "untrusted certificate", handler: http.NotFoundHandler(), tls: true, reason: "TLSFailure", message: "certConfigMap"},
		{name: "truncated", handler: truncated(), reason: "Truncated", message: "2097152"},
		{name: "redirect loop", handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}), reason: "TooManyRedirects", message: "redirect"},
		{name: "wrong checksum", handler: content(launchertest.GuestImage()), checksum: "sha256:" + strings.Repeat("0", 64),
			reason: "ChecksumError", message: "sha256", permanent: true},
		{name: "10 TiB", handler: content(hugeImage(t)), reason: "ImageTooLarge", message: "10995116277760", permanent: true},
		{name: "backing file", handler: content(backedImage(t)), reason: "BackingFileRefused", message: "backing file", permanent: true},
		{name: "external data file", handler: content(externalImage(t)), reason: "ExternalDataFileRefused", message: "another file", permanent: true},
		{name: "page", handler: content([]byte("<!DOCTYPE html><html><body>" + strings.Repeat("<p>Not here.</p>", 100) + "</body></html>")),
			reason: "NotAnImage", message: "HTML", permanent: true},
	}
}

func TestImportThatCannotWorkSaysWhyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range importFaults(t) {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			p := suite.server.newSpace(t)
			p.create(fault.machine(t))
			volume := p.awaitFailure("web-root", fault.reason)
			ready := volume.Status.Condition(cdiv1.DataVolumeReady)
			assert.Contains(t, ready.Message, fault.message)
			assert.Empty(t, ready.Reason)
			running := volume.Status.Condition(cdiv1.DataVolumeRunning)
			assert.Equal(t, []string{"False", fault.word(), ready.Message}, []string{string(running.Status), running.Reason, running.Message})
			assert.Equal(t, fault.permanent, volume.Status.Phase == cdiv1.Failed, "phase %s", volume.Status.Phase)
			assert.Equal(t, fault.permanent, volume.Status.RestartCount == 0, "%d restarts", volume.Status.RestartCount)
			p.awaitEvents("DataVolume", "web-root", "Warning "+fault.word())
			p.awaitEvents("PersistentVolumeClaim", "web-root", "Warning ImportFailed")

			p.awaitStatus("web", kubevirtv1.VirtualMachineStatusDataVolumeError)
			p.awaitInstance("web", func(c *assert.CollectT, instance *kubevirtv1.VirtualMachineInstance) {
				condition := instance.Status.Condition(kubevirtv1.VirtualMachineInstanceDataVolumesReady)
				require.NotNil(c, condition)
				assert.Contains(c, condition.Message, ready.Message, "the instance says what it waits for")
			})
			dir := p.volumeDir("web-root")
			assert.Zero(t, allocated(t, dir), "bytes are left")
			p.kubectl("delete", "vm", "web", "--timeout=300s")
			p.awaitGone("dv/web-root", "pvc/web-root")
			assert.Eventually(t, func() bool { return !exists(dir) }, soon, tick)
		})
	}
}

func TestImportIsTriedAgainUntilTheSourceIsMended(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		content(launchertest.GuestImage()).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	machine := tinyMachine("web", kubevirtv1.RunStrategyAlways)
	machine.Spec.DataVolumeTemplates[0].Spec.Source.HTTP.URL = server.URL
	p.create(machine)
	p.awaitFailure("web-root", "ServerError")
	p.awaitRunning("web", nil)
	assert.EqualValues(t, 1, p.dataVolume("web-root").Status.RestartCount)
	assert.Equal(t, "Succeeded 100.0% 1", row(p.kubectl("get", "dv", "web-root", "--no-headers"), 1, 2, 3))
}

// machine has a disk from that source.
func (f importFault) machine(t *testing.T) *kubevirtv1.VirtualMachine {
	server := httptest.NewUnstartedServer(f.handler)
	server.Config.ErrorLog = nil
	if f.tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	machine := tinyMachine("web", kubevirtv1.RunStrategyAlways)
	source := machine.Spec.DataVolumeTemplates[0].Spec.Source.HTTP
	source.URL, source.Checksum = server.URL+"/disk.img", ptr.To(f.checksum)
	return machine
}

// awaitFailure waits until a DataVolume says that it is not filled for that reason.
func (p *space) awaitFailure(name, reason string) *cdiv1.DataVolume {
	p.t.Helper()
	return p.awaitDataVolume(name, func(c *assert.CollectT, volume *cdiv1.DataVolume) {
		ready := volume.Status.Condition(cdiv1.DataVolumeReady)
		require.NotNil(c, ready)
		assert.Equal(c, corev1.ConditionFalse, ready.Status)
		assert.Contains(c, ready.Message, reason+": ")
	})
}

// volumeDir is where the server keeps the disk of a claim.
func (p *space) volumeDir(claim string) string {
	p.t.Helper()
	found, err := p.Core.CoreV1().PersistentVolumeClaims(p.name).Get(p.t.Context(), claim, metav1.GetOptions{})
	require.NoError(p.t, err)
	return filepath.Join(p.DataDir(), "volumes", string(found.UID))
}

// allocated is how many bytes the files below dir take, which need not be there.
func allocated(t *testing.T, dir string) int64 {
	t.Helper()
	var bytes int64
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	}))
	return bytes
}

func answer(code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

func content(image []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(image) })
}

// truncated promises twice what it sends.
func truncated() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2097152")
		_, _ = w.Write(launchertest.GuestImage())
	})
}

// createImage makes a qcow2 image.
func createImage(t *testing.T, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "base"), launchertest.GuestImage(), 0o600))
	create := exec.Command("qemu-img", append([]string{"create", "-q", "-f", "qcow2"}, args...)...)
	create.Dir = dir
	output, err := create.CombinedOutput()
	require.NoError(t, err, "%s", output)
	image, err := os.ReadFile(filepath.Join(dir, "image"))
	require.NoError(t, err)
	return image
}

func backedImage(t *testing.T) []byte { return createImage(t, "-b", "base", "-F", "raw", "image") }

func externalImage(t *testing.T) []byte {
	return createImage(t, "-o", "data_file=data", "image", "1M")
}

// hugeImage says that it is of 10 TiB.
func hugeImage(t *testing.T) []byte {
	image := bytes.Clone(createImage(t, "image", "1M"))
	binary.BigEndian.PutUint64(image[24:], 10<<40)
	return image
}
