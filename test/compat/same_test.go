// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const (
	data = "--volume-pvc=src:data"
	tiny = "--volume-containerdisk=src:example.org/linux:1"
)

// same are arguments of create for which virtctl and our plugin print the same.
func same(password string) map[string][]string {
	text := base64.StdEncoding.EncodeToString([]byte("#cloud-config\nuser: me\n"))
	return map[string][]string{
		"nothing":                        {"vm"},
		"how it runs":                    {"vm", "--run-strategy=rerunonfailure", "--memory=1Gi", "--termination-grace-period=7"},
		"a size and a preference":        {"vm", "--instancetype=VirtualMachineInstancetype/small", "--preference=linux", tiny},
		"container disks":                {"vm", tiny, tiny + ",name:second,bootorder:2", tiny + ",name:first,bootorder:1"},
		"claims":                         {"vm", data, data + ",name:other"},
		"a claim, and its memory":        {"vm", data, "--memory=1Gi"},
		"a claim that names both":        {"vm", data, "--infer-instancetype", "--infer-preference"},
		"a claim that names neither":     {"vm", data, "--infer-instancetype=false", "--infer-preference=false"},
		"a claim with a size beside it":  {"vm", data, "--instancetype=small"},
		"a claim behind a disk":          {"vm", tiny, data},
		"a claim before a disk":          {"vm", tiny, data + ",bootorder:1"},
		"another claim's":                {"vm", tiny, data, "--infer-instancetype-from=data", "--infer-preference-from=data"},
		"imports":                        {"vm", "--volume-import=type:blank,size:1Gi,name:empty", "--volume-import=type:http,url:http://example.org/a,size:2Gi,name:net,bootorder:1"},
		"an import with all of it":       {"vm", "--volume-import=type:http,url:http://example.org/a,size:2Gi,name:net,secretref:s,certconfigmap:c,extraheaders:A: b;C: d,secretextraheaders:e;f"},
		"a copy of a claim":              {"vm", "--volume-import=type:pvc,src:shop/data,name:copied"},
		"a larger copy, and its memory":  {"vm", "--volume-import=type:pvc,src:shop/data,size:2Gi,name:copied", "--memory=1Gi"},
		"a container image":              {"vm", "--volume-import=type:registry,url:docker://example.org/a:1,size:2Gi,name:pulled,secretref:s,certconfigmap:c,pullmethod:pod"},
		"empty disks, the old way":       {"vm", "--volume-import=type:blank,size:1Gi,name:a", "--volume-blank=size:2Gi,name:b", "--volume-blank=size:3Gi,name:c"},
		"answers for Windows":            {"vm", "--volume-sysprep=src:answers"},
		"answers in a Secret":            {"vm", "--volume-sysprep=src:answers,type:Secret"},
		"a user":                         {"vm", "--user=me", "--ssh-key=ssh-ed25519 A a,ssh-ed25519 B b", "--ssh-key=ssh-ed25519 C c"},
		"a password":                     {"vm", "--user=me", "--password-file=" + password},
		"an agent that writes keys":      {"vm", "--user=me", "--ga-manage-ssh"},
		"one that does not":              {"vm", "--ga-manage-ssh=false"},
		"keys by the agent":              {"vm", "--access-cred=src:keys,user:me"},
		"keys by it for the user":        {"vm", "--user=me", "--access-cred=type:ssh,src:keys,method:ga"},
		"keys by it, which may not":      {"vm", "--user=me", "--access-cred=src:keys", "--ga-manage-ssh=false"},
		"keys by cloud-init":             {"vm", "--access-cred=src:keys,method:nocloud"},
		"keys by a config drive":         {"vm", "--access-cred=src:keys,method:configDrive", "--cloud-init=configdrive"},
		"passwords":                      {"vm", "--access-cred=type:password,src:all"},
		"an empty seed":                  {"vm", "--cloud-init=nocloud"},
		"no seed":                        {"vm", "--cloud-init=none", "--user=me"},
		"user data":                      {"vm", "--cloud-init-user-data=" + text},
		"user data and keys":             {"vm", "--cloud-init-user-data=" + text, "--access-cred=src:keys,user:me"},
		"network data":                   {"vm", "--cloud-init=ConfigDrive", "--cloud-init-network-data=" + text},
		"a clone":                        {"clone", "--source-name=web", "--target-name=copy"},
		"a clone without a name":         {"clone", "--source-name=web"},
		"a clone with all of it":         {"clone", "--source-name=web", "--source-type=vm", "--target-type=vm", "--label-filter=*", "--annotation-filter=!a", "--template-label-filter=b", "--template-annotation-filter=*", "--new-mac-address=default:02-00-00-00-00-01", "--new-smbios-serial=s"},
		"an instance type":               {"instancetype", "--cpu=2", "--memory=1Gi", "--iothreadspolicy=auto"},
		"an instance type of here":       {"instancetype", "--cpu=2", "--memory=1Gi", "--namespaced"},
		"a preference":                   {"preference", "--cpu-topology=cores", "--machine-type=q35", "--volume-storage-class=fast"},
		"a preference that says nothing": {"preference", "--namespaced"},
	}
}

// refused are arguments that both refuse.
func refused() [][]string {
	return [][]string{
		{"--run-strategy=Sometimes"}, {"--memory=much"}, {"--memory=1Gi", "--instancetype=small"}, {"--instancetype=pod/small"}, {"--instancetype=a/b/c"},
		{"--infer-instancetype"}, {"--infer-preference-from=data"}, {tiny, "--infer-preference"}, {data, "--preference=linux", "--infer-preference"},
		{"--volume-pvc=name:data"}, {"--volume-pvc=src:shop/data"}, {data, data}, {data + ",bootorder:0"}, {data + ",bootorder:1", tiny + ",bootorder:1"}, {data + ",name:A_b"}, {data + ",size:1Gi"},
		{"--volume-import=size:1Gi"}, {"--volume-import=type:floppy,size:1Gi"}, {"--volume-import=type:blank"}, {"--volume-import=type:http,size:1Gi"}, {"--volume-blank="},
		{"--volume-sysprep=src:a,type:file"}, {"--volume-sysprep=src:shop/a"}, {"--access-cred=src:keys"}, {"--access-cred=src:shop/keys,user:me"}, {"--access-cred=src:keys,type:face"},
		{"--access-cred=src:keys,method:post"}, {"--access-cred=src:keys,type:password,user:me"}, {"--access-cred=src:keys,type:password,method:nocloud"},
		{"--access-cred=src:keys,method:nocloud,user:me"}, {"--access-cred=src:keys,method:nocloud", "--cloud-init=none"}, {"--cloud-init=floppy", "--user=me"},
		{"--cloud-init-user-data=eA==", "--user=me"}, {"--cloud-init-user-data=eA==", "--ga-manage-ssh"}, {"--password-file=/nowhere"},
	}
}

func TestThePluginPrintsWhatVirtctlPrints(t *testing.T) {
	t.Parallel()
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte("secret\n"), 0o600))
	for name, args := range same(password) {
		t.Run(name, func(t *testing.T) {
			for _, where := range [][]string{nil, {"--namespace=shop"}} {
				args := append([]string{"create", args[0], "--name=web"}, append(args[1:], where...)...)
				assert.Equal(t, printed(t, suite.virtctl, args), printed(t, suite.Path("kubectl-virt"), args))
			}
		})
	}
}

func TestThePluginRefusesWhatVirtctlRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range refused() {
		args = append([]string{"create", "vm"}, args...)
		for _, program := range []string{suite.virtctl, suite.Path("kubectl-virt")} {
			assert.Error(t, suite.Server.Command(t.Context(), program, args...).Run(), "%s %s", program, args)
		}
	}
}

// printed is the manifest that a program prints, without what means nothing.
func printed(t *testing.T, program string, args []string) map[string]any {
	t.Helper()
	command := suite.Server.Command(t.Context(), program, args...)
	var message strings.Builder
	command.Stderr = &message
	output, err := command.Output()
	require.NoError(t, err, "%s %s: %s", program, args, message.String())
	manifest := map[string]any{}
	require.NoError(t, yaml.Unmarshal(output, &manifest), "%s", output)
	meaning(t, manifest)
	return manifest
}

// meaning removes from an object, at all levels, what is the same as nothing, and reads what cloud-init is told.
func meaning(t *testing.T, object map[string]any) {
	for key, value := range object {
		switch value := value.(type) {
		case nil:
			delete(object, key)
		case []any:
			for _, item := range value {
				if member, ok := item.(map[string]any); ok {
					meaning(t, member)
				}
			}
		case map[string]any:
			meaning(t, value)
			switch key {
			case "status", "metadata", "devices", "resources", "spec", "template":
				if len(value) == 0 {
					delete(object, key)
				}
			}
		case string:
			if key == "userData" {
				told := map[string]any{}
				require.True(t, strings.HasPrefix(value, "#cloud-config"), value)
				require.NoError(t, yaml.Unmarshal([]byte(value), &told), value)
				object[key] = told
			}
		}
	}
}
