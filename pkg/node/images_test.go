// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func withVolumes(sources map[string]kubevirtv1.VolumeSource) *kubevirtv1.VirtualMachineInstance {
	vmi := scheduled()
	for name, source := range sources {
		vmi.Spec.Volumes = append(vmi.Spec.Volumes, kubevirtv1.Volume{Name: name, VolumeSource: source})
	}
	return vmi
}

func TestObjectsBecomeImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.core.CoreV1().ConfigMaps("n").Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "config"},
		Data:       map[string]string{"a.conf": "a", "AutoUnattend.XML": "<answers/>"}, BinaryData: map[string][]byte{"b": {0, 1}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	vmi := withVolumes(map[string]kubevirtv1.VolumeSource{
		"config":   {ConfigMap: &kubevirtv1.ConfigMapVolumeSource{Name: ptr.To("config"), VolumeLabel: ptr.To("OEMDRV")}},
		"secret":   {Secret: &kubevirtv1.SecretVolumeSource{SecretName: ptr.To("seed")}},
		"optional": {Secret: &kubevirtv1.SecretVolumeSource{SecretName: ptr.To("none"), Optional: ptr.To(true)}},
		"maybe":    {ConfigMap: &kubevirtv1.ConfigMapVolumeSource{Name: ptr.To("none"), Optional: ptr.To(true)}},
		"answers":  {Sysprep: &kubevirtv1.SysprepSource{ConfigMap: &corev1.LocalObjectReference{Name: "config"}}},
		"self": {DownwardAPI: &kubevirtv1.DownwardAPIVolumeSource{Fields: []kubevirtv1.DownwardAPIVolumeFile{
			{Path: "dir/name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}}},
	})
	w.run()
	w.server.create(vmi)
	w.untilPhase(kubevirtv1.Running)
	config := map[string][]byte{"a.conf": []byte("a"), "AutoUnattend.XML": []byte("<answers/>"), "b": {0, 1}}
	assert.Equal(t, map[string]api.Image{
		"config":   {Label: "OEMDRV", Files: config},
		"secret":   {Label: "cfgdata", Files: map[string][]byte{"userData": []byte("#cloud-config"), "networkdata": []byte("version: 2")}},
		"optional": {Label: "cfgdata"},
		"maybe":    {Label: "cfgdata"},
		"answers":  {Label: "unattendCD", Files: map[string][]byte{"a.conf": []byte("a"), "autounattend.xml": []byte("<answers/>"), "b": {0, 1}}},
		"self":     {Label: "cfgdata", Files: map[string][]byte{"dir/name": []byte("vm")}},
	}, w.launcher.lastStart().Images)
}

func TestObjectThatIsMissingIsToldOfAndWaitedFor(t *testing.T) {
	t.Parallel()
	for message, source := range map[string]kubevirtv1.VolumeSource{
		`volume "v": there is no ConfigMap "none" in namespace "n"`:  {ConfigMap: &kubevirtv1.ConfigMapVolumeSource{Name: ptr.To("none")}},
		`volume "v": there is no Secret "none" in namespace "n"`:     {Secret: &kubevirtv1.SecretVolumeSource{SecretName: ptr.To("none")}},
		`volume "v": it has no key autounattend.xml or unattend.xml`: {Sysprep: &kubevirtv1.SysprepSource{Secret: &corev1.LocalObjectReference{Name: "seed"}}},
	} {
		t.Run(message, func(t *testing.T) {
			w := newWorld(t)
			w.run()
			w.server.create(withVolumes(map[string]kubevirtv1.VolumeSource{"v": source}))
			w.settle()
			w.clock.SetTime(w.clock.Now().Add(patience))
			w.eventually("told", func() bool {
				return condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSynchronized).Message == message
			})
			assert.Equal(t, kubevirtv1.Scheduled, w.server.get("vm").Status.Phase)
		})
	}
}
