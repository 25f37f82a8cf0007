// SPDX-License-Identifier: Apache-2.0

package create_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	clonevalidation "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/validation"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
)

func run(args ...string) (string, error) { return create(append([]string{"vm"}, args...)...) }

func create(args ...string) (string, error) {
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	command := kubectlvirt.NewCommand("kubectl-virt", streams)
	command.SetArgs(append([]string{"create"}, args...))
	err := command.Execute()
	return out.String(), err
}

func TestManifestsAreThoseOfMachinesThatAreTaken(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte("s3cret: #\n"), 0o600))
	tests := map[string]struct {
		args []string
		want []string
	}{
		"nothing but a name": {nil, []string{"runStrategy: Always", "guest: 512Mi", "terminationGracePeriodSeconds: 180"}},
		"each volume": {[]string{"--volume-containerdisk", "src:example.com:5000/debian:12", "--volume-pvc", "src:data,name:data",
			"--volume-import", "type:http,url:https://example.com/a.qcow2,size:10Gi", "--volume-import", "type:blank,size:1Gi,name:empty",
			"--volume-blank", "size:2Gi", "--memory", "1Gi", "--run-strategy", "Manual"},
			[]string{"image: example.com:5000/debian:12", "claimName: data", "url: https://example.com/a.qcow2", "name: web-disk-2", "storage: 10Gi",
				"name: empty", "name: web-disk-4", "guest: 1Gi", "runStrategy: Manual"}},
		"a user": {[]string{"--user", "debian", "--password-file", password, "--ssh-key", "ssh-ed25519 A a", "--ssh-key", "ssh-ed25519 B b"},
			[]string{"#cloud-config", "user: debian", "password: 's3cret: #'", "expire: false", "- ssh-ed25519 A a", "- ssh-ed25519 B b"}},
		"answers for Windows": {[]string{"--volume-sysprep", "src:answers"}, []string{"sysprep:", "configMap:", "name: answers", "- cdrom:\n              bus: sata\n"}},
		"answers in a Secret": {[]string{"--volume-sysprep", "src:answers,type:secret"}, []string{"secret:\n"}},
		"credentials": {[]string{"--user", "me", "--access-cred", "src:keys", "--access-cred", "src:all,type:password"},
			[]string{"secretName: keys", "qemuGuestAgent:\n              users:\n              - me\n", "userPassword:", "secretName: all"}},
		"keys by cloud-init": {[]string{"--access-cred", "src:keys,method:nocloud"}, []string{"noCloud: {}", "cloudInitNoCloud:"}},
		"user data":          {[]string{"--cloud-init-user-data", "I2Nsb3VkLWNvbmZpZwo="}, []string{"userDataBase64: I2Nsb3VkLWNvbmZpZwo="}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := run(append(tc.args, "--name", "web")...)

			require.NoError(t, err)
			for _, want := range tc.want {
				assert.Contains(t, out, want)
			}
			assert.NotContains(t, out, "status")
			assert.NotContains(t, out, "creationTimestamp")
			var vm kubevirtv1.VirtualMachine
			require.NoError(t, yaml.UnmarshalStrict([]byte(out), &vm))
			assert.Empty(t, validation.ValidateVirtualMachine(&vm))
		})
	}
}

func TestInstanceTypeBringsTheMemory(t *testing.T) {
	out, err := run("--name", "web", "--instancetype", "virtualmachineinstancetype/small", "--preference", "linux")
	require.NoError(t, err)
	assert.Contains(t, out, "  instancetype:\n    kind: virtualmachineinstancetype\n    name: small\n  preference:\n    name: linux\n")
	assert.NotContains(t, out, "memory")
}

func TestNonsenseIsRefused(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"no name":        {[]string{"--name="}, "--name is needed"},
		"memory":         {[]string{"--memory", "much"}, `--memory "much"`},
		"strategy":       {[]string{"--run-strategy", "Sometimes"}, "--run-strategy must be"},
		"no source":      {[]string{"--volume-pvc", "name:x"}, "src is needed"},
		"no value":       {[]string{"--volume-pvc", "src"}, `"src" must be KEY:VALUE`},
		"other key":      {[]string{"--volume-pvc", "src:x,bootorder:1"}, `no key "bootorder"`},
		"twice":          {[]string{"--volume-pvc", "src:x,src:y"}, "src is there twice"},
		"other import":   {[]string{"--volume-import", "type:s3,size:1Gi"}, "type must be http or blank"},
		"no url":         {[]string{"--volume-import", "type:http,size:1Gi"}, "url is needed"},
		"size":           {[]string{"--volume-blank", "size:big"}, "size:"},
		"no base64":      {[]string{"--cloud-init-user-data", "#cloud-config"}, "must be base64"},
		"both":           {[]string{"--cloud-init-user-data", "eA==", "--user", "x"}, "none of the others can be"},
		"no file":        {[]string{"--password-file", "/nowhere"}, "no such file"},
		"empty password": {[]string{"--password-file", "/dev/null"}, "the file is empty"},
		"two sizes":      {[]string{"--instancetype", "small", "--memory", "1Gi"}, "none of the others can be"},
		"instance type":  {[]string{"--instancetype", "pod/small"}, "VirtualMachineClusterInstancetype/NAME"},
		"preference":     {[]string{"--preference", "VirtualMachinePreference/"}, "VirtualMachinePreference/NAME"},
		"answers":        {[]string{"--volume-sysprep", "src:a,type:file"}, "type must be configmap or secret"},
		"no user":        {[]string{"--access-cred", "src:keys"}, "user is needed"},
		"users":          {[]string{"--access-cred", "src:all,type:password,user:me"}, "leave user out"},
		"other user":     {[]string{"--access-cred", "src:keys,method:nocloud,user:me"}, "use --user"},
		"other method":   {[]string{"--access-cred", "src:keys,method:post"}, "type must be ssh"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := run(append([]string{"--name", "web"}, tc.args...)...)
			assert.ErrorContains(t, err, tc.want)
			assert.Empty(t, out)
		})
	}
}

func TestSizesAndPreferencesArePrinted(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"a size": {[]string{"instancetype", "--name=small", "--cpu=2", "--memory=1Gi", "--iothreadspolicy=auto"},
			"kind: VirtualMachineClusterInstancetype\nmetadata:\n  name: small\nspec:\n  cpu:\n    guest: 2\n  ioThreadsPolicy: auto\n  memory:\n    guest: 1Gi\n"},
		"a namespace's size": {[]string{"instancetype", "--name=small", "--cpu=1", "--memory=1Gi", "--namespaced"}, "kind: VirtualMachineInstancetype\n"},
		"a preference": {[]string{"preference", "--name=p", "--cpu-topology=cores", "--machine-type=q35", "--volume-storage-class=fast"},
			"kind: VirtualMachineClusterPreference\nmetadata:\n  name: p\nspec:\n  cpu:\n    preferredCPUTopology: cores\n  machine:\n    preferredMachineType: q35\n  volumes:\n    preferredStorageClassName: fast\n"},
		"a namespace's preference": {[]string{"preference", "--name=p", "--namespaced"}, "kind: VirtualMachinePreference\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := create(tc.args...)
			require.NoError(t, err)
			assert.Contains(t, out, "apiVersion: instancetype.kubevirt.io/v1beta1\n"+tc.want)
		})
	}
}

func TestSizesThatAreNoneAreRefused(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"no name":       {[]string{"instancetype"}, "--name is needed"},
		"no processors": {[]string{"instancetype", "--name=s"}, "--cpu is needed"},
		"no memory":     {[]string{"instancetype", "--name=s", "--cpu=1"}, "--memory"},
		"threads":       {[]string{"instancetype", "--name=s", "--cpu=1", "--memory=1Gi", "--iothreadspolicy=some"}, "--iothreadspolicy must be"},
		"nameless":      {[]string{"preference"}, "--name is needed"},
		"topology":      {[]string{"preference", "--name=p", "--cpu-topology=round"}, "--cpu-topology must be"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := create(tc.args...)
			assert.ErrorContains(t, err, tc.want)
			assert.Empty(t, out)
		})
	}
}

func TestClonesAreThoseThatAreTaken(t *testing.T) {
	out, err := create("clone", "--name", "twin", "--source-name", "web", "--target-name", "copy", "--label-filter", "*", "--label-filter", "!role",
		"--annotation-filter", "!note", "--template-label-filter", "app", "--template-annotation-filter", "*",
		"--new-mac-address", "default:02-00-00-00-00-01", "--new-smbios-serial", "twin-1")
	require.NoError(t, err)
	var clone clonev1.VirtualMachineClone
	require.NoError(t, yaml.UnmarshalStrict([]byte(out), &clone))
	assert.Empty(t, clonevalidation.ValidateClone(withNamespace(&clone)))
	assert.Equal(t, []string{"*", "!role"}, clone.Spec.LabelFilters)
	assert.Equal(t, map[string]string{"default": "02-00-00-00-00-01"}, clone.Spec.NewMacAddresses)
	assert.NotContains(t, out, "status")

	out, err = create("clone", "--source-name", "web")
	require.NoError(t, err)
	require.NoError(t, yaml.UnmarshalStrict([]byte(out), &clone))
	assert.Regexp(t, "^clone-[a-z0-9]{5}$", clone.Name)
}

func withNamespace(clone *clonev1.VirtualMachineClone) *clonev1.VirtualMachineClone {
	clone.Namespace = "default"
	return clone
}

func TestClonesThatCannotBeAreRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"--source-name is needed": nil,
		"--new-mac-address":       {"--source-name", "web", "--new-mac-address", "default:02:00:00:00:00:01"},
	} {
		_, err := create(append([]string{"clone"}, args...)...)
		require.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, "create clone --help")
	}
}
