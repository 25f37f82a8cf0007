// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

func adminCommands() []command {
	return []command{
		{"version", works, "", checkVersion},
		{"permitted-devices", works, "none are; in the namespace kubevirt", checkPermittedDevices},
		{"adm log-verbosity", works, "", checkLogVerbosity},
		{"credentials add-ssh-key", works, "", checkAddKey},
		{"credentials remove-ssh-key", works, "", checkRemoveKey},
		{"credentials set-password", works, "", checkSetPassword},
		{"image-upload", notYet, "", checkUpload},
		{"guestfs", notYet, "runs a pod, of which a server on its own has none", checkGuestFS},
	}
}

func checkVersion(c *check) {
	c.virtctl([]string{"version"}, `Client Version: version.Info{GitVersion:"v1.7.0"`, `Server Version: version.Info{GitVersion:"v1.7.0+virt-apiserver.`)
	c.virtctl([]string{"version", "--client"}, `GitVersion:"v1.7.0"`)
}

func checkPermittedDevices(c *check) {
	c.virtctl([]string{"-n", "kubevirt", "permitted-devices"}, "Permitted Devices: \nHost Devices: \n \nGPU Devices: \n\n")
	c.refused([]string{"permitted-devices"}, `no KubeVirt resource in "`+c.namespace+`" namespace`)
}

func checkLogVerbosity(c *check) {
	c.virtctl([]string{"adm", "log-verbosity", "--virt-api"}, "virt-api=2")
	c.virtctl([]string{"adm", "log-verbosity", "--virt-api=4", "--virt-launcher=3"}, "successfully set/reset the log verbosity")
	c.virtctl([]string{"adm", "log-verbosity", "--all"}, "virt-api=4", "virt-launcher=3", "virt-controller=2")
	c.refused([]string{"adm", "log-verbosity", "--virt-api=12"}, "virt-api: log verbosity must be 0-9")
	c.virtctl([]string{"adm", "log-verbosity", "--all=3"}, "successfully set/reset the log verbosity")
	c.virtctl([]string{"adm", "log-verbosity", "--reset"}, "successfully set/reset the log verbosity")
	c.virtctl([]string{"adm", "log-verbosity", "--all"}, "virt-api=2", "virt-launcher=2")
}

const credentialsManifest = `
apiVersion: v1
kind: Secret
metadata: {name: password}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: guarded}
spec:
  runStrategy: Halted
  template:
    spec:
      domain:
        memory: {guest: 64Mi}
        devices: {}
      accessCredentials:
      - userPassword:
          source: {secret: {secretName: password}}
          propagationMethod: {qemuGuestAgent: {}}
`

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Yc1nYz1V1V0o5dVbT6dJQ2dW2o0yX0Wl4n1m0sC0n tester"

func checkAddKey(c *check) {
	c.apply(c, credentialsManifest)
	c.virtctl([]string{"credentials", "add-ssh-key", "guarded", "--user=tester", "--create-secret", "--value=" + key})
	assert.Contains(c, c.secrets(), key)
}

func checkRemoveKey(c *check) {
	c.virtctl([]string{"credentials", "remove-ssh-key", "guarded", "--user=tester", "--value=" + key})
	assert.NotContains(c, c.secrets(), key)
}

func checkSetPassword(c *check) {
	c.virtctl([]string{"credentials", "set-password", "guarded", "--user=tester", "--password=pencil", "--force"}, `Successfully set password in secret "password"`)
	assert.Contains(c, c.secrets(), "pencil")
}

// secrets is all that the namespace's Secrets hold.
func (c *check) secrets() string {
	output, err := suite.Server.Command(c.ctx, suite.Kubectl, "-n", c.namespace, "get", "secrets", "-o", "json").Output()
	require.NoError(c, err)
	var list corev1.SecretList
	require.NoError(c, json.Unmarshal(output, &list))
	var held []string
	for _, secret := range list.Items {
		for _, value := range secret.Data {
			held = append(held, string(value))
		}
	}
	return strings.Join(held, "\n")
}

func checkUpload(c *check) {
	path := c.write("disk.img", strings.Repeat("x", 1<<20))
	c.virtctl([]string{"image-upload", "dv", "uploaded", "--size=8Mi", "--insecure", "--wait-secs=5", "--image-path=" + path}, "completed successfully")
}

func checkGuestFS(c *check) { c.virtctl([]string{"guestfs", "web-root"}) }

// write writes a file of the group's and gives its path.
func (m *machine) write(name, text string) string {
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		panic(err)
	}
	return path
}

// awaitAgent waits until the guest's agent, which was started with the guest, has been heard.
func (c *check) awaitAgent() {
	require.EventuallyWithT(c, func(t *assert.CollectT) {
		instance, err := suite.Server.Virt.KubevirtV1().VirtualMachineInstances(c.namespace).Get(c.ctx, machineName, metav1.GetOptions{})
		require.NoError(t, err)
		assert.True(t, instance.Status.HasCondition("AgentConnected", corev1.ConditionTrue))
	}, harness.Soon, harness.Tick)
}

// decode reads JSON that a command printed.
func (c *check) decode(output string, into any) {
	require.NoError(c, json.Unmarshal([]byte(output), into), "%s", output)
}
