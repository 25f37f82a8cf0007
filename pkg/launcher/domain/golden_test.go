// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const testUID = "0f3b1d5c-7a52-4c1e-9a53-6f0d2f8f7c11"

// TestBuildMatchesGolden translates each instance of testdata, with and without KVM, and compares the XML
// with the one stored beside it. Package libvirt's tests have libvirt accept what is stored. Run with -update
// to store anew.
func TestBuildMatchesGolden(t *testing.T) {
	specs, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, specs)
	for _, spec := range specs {
		for _, kvm := range []bool{false, true} {
			golden := strings.TrimSuffix(spec, ".yaml") + "." + domainType(kvm) + ".xml"
			t.Run(filepath.Base(golden), func(t *testing.T) {
				t.Parallel()
				built, err := Build(inputFor(t, spec, kvm))
				require.NoError(t, err)
				text, err := built.Marshal()
				require.NoError(t, err)
				if flag.Lookup("update").Value.String() == "true" {
					require.NoError(t, os.WriteFile(golden, []byte(text+"\n"), 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				assert.Equal(t, string(want), text+"\n")
			})
		}
	}
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "store what is built as what is wanted")
	flag.Parse()
	os.Exit(m.Run())
}

// inputFor reads an instance's spec and completes it as the server does.
func inputFor(t *testing.T, path string, kvm bool) Input {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	instance := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", UID: testUID}}
	require.NoError(t, yaml.UnmarshalStrict(raw, &instance.Spec))
	return inputOf(instance, kvm)
}

func inputOf(instance *kubevirtv1.VirtualMachineInstance, kvm bool) Input {
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&instance.Spec)
	kubevirtv1.SetIdentity(&instance.Spec, instance.UID)
	files := map[string]File{}
	for i, volume := range instance.Spec.Volumes {
		file := File{Path: "/disks/" + volume.Name + ".img", DirectIO: i%2 == 0, BlockSize: 4096}
		if strings.HasPrefix(volume.Name, "device") {
			file.Path, file.Device = "/devices/"+volume.Name, &Device{LogicalBlockSize: 512, PhysicalBlockSize: 4096}
		}
		if volume.ContainerDisk != nil {
			file.Backing = "/disks/" + volume.Name + ".base"
		}
		files[volume.Name] = file
	}
	var boot *Boot
	if instance.Spec.Domain.Firmware.KernelContainer() != nil {
		boot = &Boot{Kernel: "/state/kernel.boot", Initrd: "/state/initrd.boot"}
	}
	return Input{
		Boot:          boot,
		Instance:      instance,
		Owner:         "laptop",
		Taps:          map[string]string{"tap_1": "v0a1b2c0a000002"},
		KVM:           kvm,
		Files:         files,
		ConsoleSocket: "/run/virt-apiserver/c",
		ConsoleLog:    "/state/console.log",
		NVRAM:         "/state/nvram.fd",
	}
}
