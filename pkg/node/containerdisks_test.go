// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// fakeDisks answers what the test says.
type fakeDisks struct {
	mu        sync.Mutex
	notify    func(types.NamespacedName)
	err       error
	asked     workload.ContainerFiles
	forgotten int
}

func (f *fakeDisks) Ensure(_ context.Context, files workload.ContainerFiles) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = files
	paths := []string{"/containers/" + files.For}
	for _, path := range files.Plain {
		paths = append(paths, "/containers"+path)
	}
	return paths[len(paths)-max(len(files.Plain), 1):], f.err
}

func (f *fakeDisks) Forget(types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgotten++
}

func (f *fakeDisks) OnChange(notify func(types.NamespacedName)) { f.notify = notify }

func (f *fakeDisks) answer(err error) {
	f.mu.Lock()
	f.err = err
	f.mu.Unlock()
	f.notify(vmKey)
}

func onContainerDisk() *kubevirtv1.VirtualMachineInstance {
	vmi := scheduled()
	vmi.Spec.Volumes = []kubevirtv1.Volume{{Name: "root", VolumeSource: kubevirtv1.VolumeSource{
		ContainerDisk: &kubevirtv1.ContainerDiskSource{
			Image: "registry.example/disk:1", Path: ptr.To("/disk/a"), ImagePullSecret: ptr.To("pull"), ImagePullPolicy: ptr.To(corev1.PullAlways),
		},
	}}}
	return vmi
}

func TestGuestStartsWhenItsImageIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.disks = &fakeDisks{err: workload.ErrPulling}
	_, err := w.core.CoreV1().Secrets("n").Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "pull"},
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"registry.example":{"username":"clerk","password":"pencil"}}}`)},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	w.run()
	w.server.create(onContainerDisk())
	w.settle()
	assert.Zero(t, w.launcher.startCount("u1"))
	assert.Equal(t, kubevirtv1.Scheduled, w.server.get("vm").Status.Phase)
	assert.Zero(t, w.server.writeCount(), "that it is pulled is an event")

	w.disks.answer(&workload.PullError{Reason: kubevirtv1.ReasonErrImagePull, Message: "failed to pull image"})
	w.eventually("told", func() bool {
		told := condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSynchronized)
		return told.Status == corev1.ConditionFalse && told.Reason == "ErrImagePull" && told.Message == "failed to pull image"
	})
	w.disks.answer(nil)
	w.untilPhase(kubevirtv1.Running)
	assert.Equal(t, "/containers/root", w.launcher.lastStart().Disks["root"].Path)
	assert.Equal(t, source.Container{Image: "registry.example/disk:1", Path: "/disk/a", Username: "clerk", Password: "pencil"}, w.disks.asked.Source)
	assert.Equal(t, types.UID("u1"), w.disks.asked.UID)
	assert.Positive(t, w.disks.forgotten)
	events := w.events()
	assert.Contains(t, events, "Normal Pulling Pulling the container images")
	assert.Contains(t, events, "Warning SyncFailed failed to pull image")
}

func TestPullSecretThatIsMissingIsToldOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.disks = &fakeDisks{}
	w.run()
	w.server.create(onContainerDisk())
	w.settle()
	w.clock.SetTime(w.clock.Now().Add(patience))
	w.eventually("told", func() bool {
		told := condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSynchronized)
		return told.Message == `volume "root": there is no Secret "pull" in namespace "n"`
	})
}

func TestGuestBootsTheKernelOfItsImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.disks = &fakeDisks{err: workload.ErrPulling}
	w.run()
	vmi := scheduled()
	vmi.Spec.Domain.Firmware = &kubevirtv1.Firmware{UUID: ptr.To[types.UID]("0f3b1d5c-7a52-4c1e-9a53-6f0d2f8f7c11"), KernelBoot: &kubevirtv1.KernelBoot{
		Container: &kubevirtv1.KernelBootContainer{
			Image: "registry.example/boot:1", KernelPath: ptr.To("/boot/k"), InitrdPath: ptr.To("/boot/i"), ImagePullPolicy: ptr.To(corev1.PullIfNotPresent),
		},
	}}
	w.server.create(vmi)
	w.settle()
	assert.Zero(t, w.launcher.startCount("u1"))
	w.disks.answer(&workload.PullError{Reason: kubevirtv1.ReasonImagePullBackOff, Message: "the image has no file /boot/k"})
	w.eventually("told", func() bool {
		told := condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSynchronized)
		return told.Reason == "ImagePullBackOff" && told.Message == "the image has no file /boot/k"
	})
	w.disks.answer(nil)
	w.untilPhase(kubevirtv1.Running)
	assert.Equal(t, &api.BootFiles{Kernel: "/containers/boot/k", Initrd: "/containers/boot/i"}, w.launcher.lastStart().Boot)
	assert.Equal(t, source.Container{Image: "registry.example/boot:1"}, w.disks.asked.Source)
	assert.Equal(t, corev1.PullIfNotPresent, w.disks.asked.Policy)
	assert.Equal(t, &kubevirtv1.KernelBootStatus{
		KernelInfo: &kubevirtv1.KernelInfo{Checksum: 7}, InitrdInfo: &kubevirtv1.InitrdInfo{Checksum: 8},
	}, w.server.get("vm").Status.KernelBootStatus)
	assert.Contains(t, w.events(), "Normal Pulling Pulling the container images")
}
