// SPDX-License-Identifier: Apache-2.0

package create_test

import (
	"os"
	"path/filepath"
	"strings"
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
		"each volume": {[]string{"--volume-containerdisk", "src:example.com:5000/debian:12", "--volume-pvc", "src:data,name:own",
			"--volume-import", "type:http,url:https://example.com/a.qcow2,size:10Gi,name:net,secretref:s,certconfigmap:c,extraheaders:A: b;C: d,secretextraheaders:e;f",
			"--volume-import", "type:blank,size:1Gi,name:empty", "--volume-blank", "size:2Gi", "--memory", "1Gi", "--run-strategy", "manual"},
			[]string{"image: example.com:5000/debian:12", "name: web-containerdisk-0", "claimName: data", "name: own", "url: https://example.com/a.qcow2", "storage: 10Gi",
				"secretRef: s", "certConfigMap: c", "'A: b'", "'C: d'", "- e\n", "- f\n",
				"name: empty", "name: imported-volume-", "guest: 1Gi", "runStrategy: Manual"}},
		"the order to boot in": {[]string{"--volume-containerdisk", "src:a", "--volume-pvc", "src:data,bootorder:1"},
			[]string{"- bootOrder: 1\n            name: data", "inferFromVolume: data\n    inferFromVolumeFailurePolicy: Ignore"}},
		"a user": {[]string{"--user", "debian", "--password-file", password, "--ssh-key", "ssh-ed25519 A a", "--ssh-key", "ssh-ed25519 B b"},
			[]string{"#cloud-config", "user: debian", "password: 's3cret: #'", "expire: false", "- ssh-ed25519 A a", "- ssh-ed25519 B b"}},
		"answers for Windows": {[]string{"--volume-sysprep", "src:answers"}, []string{"sysprep:", "configMap:", "name: answers"}},
		"answers in a Secret": {[]string{"--volume-sysprep", "src:answers,type:secret"}, []string{"secret:\n"}},
		"credentials": {[]string{"--user", "me", "--access-cred", "src:keys", "--access-cred", "src:all,type:password"},
			[]string{"secretName: keys", "qemuGuestAgent:\n              users:\n              - me\n", "userPassword:", "secretName: all", "virt_qemu_ga_manage_ssh"}},
		"keys by cloud-init":     {[]string{"--access-cred", "src:keys,method:nocloud"}, []string{"noCloud: {}", "cloudInitNoCloud:"}},
		"keys by a config drive": {[]string{"--access-cred", "src:keys,method:configdrive"}, []string{"configDrive: {}", "cloudInitConfigDrive:"}},
		"user data":              {[]string{"--cloud-init-user-data", "I2Nsb3VkLWNvbmZpZwo="}, []string{"userDataBase64: I2Nsb3VkLWNvbmZpZwo="}},
		"network data": {[]string{"--cloud-init", "configdrive", "--cloud-init-network-data", "I2Nsb3VkLWNvbmZpZwo="},
			[]string{"cloudInitConfigDrive:", "networkDataBase64: I2Nsb3VkLWNvbmZpZwo=", "#cloud-config"}},
		"an agent that writes keys": {[]string{"--ga-manage-ssh"}, []string{"virt_qemu_ga_manage_ssh"}},
		"a namespace":               {[]string{"-n", "shop"}, []string{"namespace: shop"}},
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

func TestWhatIsInferred(t *testing.T) {
	const ignored, strict = "inferFromVolume: data\n    inferFromVolumeFailurePolicy: Ignore\n", "inferFromVolume: data\n"
	tests := map[string]struct {
		args                            []string
		instancetype, preference, fails string
		memory                          bool
	}{
		"both, if it can be":     {[]string{"--volume-pvc", "src:data"}, ignored, ignored, "", true},
		"both, in any case":      {[]string{"--volume-pvc", "src:data", "--infer-instancetype", "--infer-preference"}, strict, strict, "", false},
		"from a volume":          {[]string{"--volume-containerdisk", "src:a", "--volume-pvc", "src:data", "--infer-instancetype-from", "data", "--infer-preference-from", "data"}, strict, strict, "", false},
		"no size where there is": {[]string{"--volume-pvc", "src:data", "--memory", "1Gi"}, "", ignored, "", true},
		"nothing":                {[]string{"--volume-pvc", "src:data", "--infer-instancetype=false", "--infer-preference=false"}, "", "", "", true},
		"from the first to boot": {[]string{"--volume-containerdisk", "src:a", "--volume-pvc", "src:data"}, "", "", "", true},
		"where there is none":    {[]string{"--infer-instancetype"}, "", "", "there is no volume to infer it from", false},
		"from none of these":     {[]string{"--volume-pvc", "src:data", "--infer-preference-from", "other"}, "", "", `there is no volume "other"`, false},
		"from another kind":      {[]string{"--volume-containerdisk", "src:a", "--infer-preference"}, "", "", "is not one whose labels", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := run(append(tc.args, "--name", "web")...)
			if tc.fails != "" {
				require.ErrorContains(t, err, tc.fails)
				return
			}
			require.NoError(t, err)
			for field, want := range map[string]string{"  instancetype:\n    ": tc.instancetype, "  preference:\n    ": tc.preference} {
				if want == "" {
					assert.NotContains(t, out, field)
				} else {
					assert.Contains(t, out, field+want)
				}
			}
			assert.Equal(t, tc.memory, strings.Contains(out, "memory:"))
			if tc.instancetype == strict {
				assert.NotContains(t, out, "Ignore")
			}
		})
	}
}

func TestNothingIsToldWhereThereIsNothingToTell(t *testing.T) {
	for _, args := range [][]string{{"--cloud-init", "none", "--user", "me"}, {"--ga-manage-ssh=false"}, {"--access-cred", "src:all,type:password"}} {
		out, err := run(append(args, "--name", "web")...)
		require.NoError(t, err)
		assert.NotContains(t, out, "cloudInit")
	}
	out, err := run("--name", "web", "--cloud-init", "NoCloud")
	require.NoError(t, err)
	assert.Contains(t, out, "cloudInitNoCloud:", "it was asked for")
}

func TestAMachineWithoutANameGetsOne(t *testing.T) {
	out, err := run()
	require.NoError(t, err)
	assert.Regexp(t, "name: vm-[a-z0-9]{5}\n", out)
}

func TestValuesOfFlagsAreCompleted(t *testing.T) {
	for flag, want := range map[string][]string{
		"--run-strategy":  {"Always", "Once", "RerunOnFailure"},
		"--cloud-init":    {"nocloud", "configdrive", "none"},
		"--volume-import": {"type:blank,", "type:http,"},
	} {
		streams, _, out, _ := genericiooptions.NewTestIOStreams()
		command := kubectlvirt.NewCommand("kubectl-virt", streams)
		command.SetArgs([]string{"__complete", "create", "vm", flag, ""})
		require.NoError(t, command.Execute())
		for _, value := range want {
			assert.Contains(t, out.String(), value+"\n", flag)
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"memory":         {[]string{"--memory", "much"}, `--memory "much"`},
		"strategy":       {[]string{"--run-strategy", "Sometimes"}, "--run-strategy must be"},
		"no source":      {[]string{"--volume-pvc", "name:x"}, "src is needed"},
		"no value":       {[]string{"--volume-pvc", "src"}, `"src" must be KEY:VALUE`},
		"other key":      {[]string{"--volume-pvc", "src:x,size:1"}, `no key "size"`},
		"no order":       {[]string{"--volume-pvc", "src:x,bootorder:0"}, "bootorder must be"},
		"one order":      {[]string{"--volume-pvc", "src:x,bootorder:1", "--volume-pvc", "src:y,bootorder:1"}, `bootorder 1 is that of "x"`},
		"one name":       {[]string{"--volume-pvc", "src:x", "--volume-pvc", "src:x"}, `there is a volume "x"`},
		"odd name":       {[]string{"--volume-pvc", "src:x,name:A_b"}, "can't be the name of a volume"},
		"elsewhere":      {[]string{"--volume-pvc", "src:shop/x"}, "the machine's own namespace"},
		"taken":          {[]string{"--volume-pvc", "src:cloudinitdisk", "--user", "me"}, `there is a volume "cloudinitdisk"`},
		"twice":          {[]string{"--volume-pvc", "src:x,src:y"}, "src is there twice"},
		"other import":   {[]string{"--volume-import", "type:s3,size:1Gi"}, "type must be one of blank, http"},
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
		"other method":   {[]string{"--access-cred", "src:keys,method:post"}, "the method of keys is"},
		"other type":     {[]string{"--access-cred", "src:keys,type:face"}, "type must be ssh or password"},
		"two methods":    {[]string{"--access-cred", "src:keys,method:nocloud", "--cloud-init", "none"}, "the method needs --cloud-init nocloud"},
		"seed":           {[]string{"--cloud-init", "floppy"}, "--cloud-init must be"},
		"inferred twice": {[]string{"--infer-instancetype", "--infer-instancetype-from", "x"}, "none of the others can be"},
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
		"a size of that namespace": {[]string{"instancetype", "--name=small", "--cpu=1", "--memory=1Gi", "-n", "shop"}, "kind: VirtualMachineInstancetype\nmetadata:\n  name: small\n  namespace: shop\n"},
		"a size without a name":    {[]string{"instancetype", "--cpu=1", "--memory=1Gi"}, "kind: VirtualMachineClusterInstancetype\nmetadata:\n  name: clusterinstancetype-"},
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
		"no processors": {[]string{"instancetype", "--name=s"}, "--cpu is needed"},
		"no memory":     {[]string{"instancetype", "--name=s", "--cpu=1"}, "--memory"},
		"threads":       {[]string{"instancetype", "--name=s", "--cpu=1", "--memory=1Gi", "--iothreadspolicy=some"}, "--iothreadspolicy must be"},
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
