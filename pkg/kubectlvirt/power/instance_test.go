// SPDX-License-Identifier: Apache-2.0

package power_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
)

var instance = schema.GroupResource{Group: "kubevirt.io", Resource: "virtualmachineinstance"}

func TestVerbsOfGuestsCallTheInstance(t *testing.T) {
	tests := map[string]struct {
		args       []string
		path, body string
		out        string
	}{
		"pause":           {[]string{"pause", "vm", "web"}, "pause", `{}`, "paused"},
		"an instance":     {[]string{"pause", "VirtualMachineInstance", "web"}, "pause", `{}`, "paused"},
		"pause's dry run": {[]string{"pause", "vm", "web", "--dry-run"}, "pause", `{"dryRun":["All"]}`, "paused (server dry run)"},
		"unpause":         {[]string{"unpause", "vmi", "web", "--dry-run=false"}, "unpause", `{}`, "unpaused"},
		"soft reboot":     {[]string{"soft-reboot", "web"}, "softreboot", ``, "rebooting"},
		"reset":           {[]string{"reset", "web"}, "reset", ``, "reset"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)

			out, errOut, err := s.run(tc.args...)

			require.NoError(t, err)
			assert.Equal(t, http.MethodPut, s.method)
			assert.Equal(t, "/apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/web/"+tc.path, s.path)
			assert.Equal(t, tc.body, s.body)
			assert.Equal(t, "virtualmachineinstance.kubevirt.io/web "+tc.out+"\n", out)
			assert.Empty(t, errOut)
		})
	}
}

func TestWhatIsNoTargetIsRefusedWithoutAServer(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"no type":     {[]string{"pause", "web"}, "accepts 2 arg"},
		"other type":  {[]string{"pause", "pod", "web"}, `the type must be vm or vmi, not "pod"`},
		"no name":     {[]string{"unpause", "vm", "We b"}, `"We b" is no name of a virtual machine`},
		"no dry runs": {[]string{"reset", "web", "--dry-run"}, "unknown flag"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)

			_, _, err := s.run(tc.args...)

			assert.ErrorContains(t, err, tc.want)
			assert.Empty(t, s.path)
		})
	}
}

func TestRefusalsOfGuestsNameTheNextCommand(t *testing.T) {
	conflict := func(text string) *metav1.Status {
		status := apierrors.NewConflict(instance, "web", errors.New(text)).Status()
		return &status
	}
	missing := apierrors.NewNotFound(instance, "web").Status()
	forbidden := apierrors.NewForbidden(instance, "web", errors.New("no")).Status()
	ended := apierrors.NewBadRequest("Failed to reset non-running VMI with phase Failed").Status()
	tests := map[string]struct {
		args   []string
		status *metav1.Status
		want   []string
	}{
		"neither machine nor instance": {[]string{"pause", "vm", "web"}, &missing,
			[]string{`there is no virtual machine "web" in namespace "shop"`, "kubectl get vms -n shop"}},
		"already paused": {[]string{"pause", "vm", "web"}, conflict("VMI is already paused"),
			[]string{"VMI is already paused", "kubectl virt unpause vm web -n shop"}},
		"paused": {[]string{"soft-reboot", "web"}, conflict("VMI is paused"), []string{"kubectl virt unpause vm web -n shop"}},
		"not paused": {[]string{"unpause", "vm", "web"}, conflict("VMI is not paused"),
			[]string{"VMI is not paused", "kubectl virt console web -n shop"}},
		"not running": {[]string{"reset", "web"}, &ended, []string{"kubectl virt start web -n shop"}},
		"deaf": {[]string{"soft-reboot", "web"}, conflict("VMI neither have the agent connected nor the ACPI feature enabled"),
			[]string{"kubectl get vm web -o yaml -n shop"}},
		"forbidden": {[]string{"reset", "web"}, &forbidden,
			[]string{"kubectl auth can-i update virtualmachineinstances.subresources.kubevirt.io/web --subresource=reset -n shop"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.status = tc.status

			out, _, err := s.run(tc.args...)

			assert.Empty(t, out)
			for _, want := range tc.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestTypesAreCompletedBeforeNames(t *testing.T) {
	s := newServer(t)
	streams, _, stdout, _ := genericiooptions.NewTestIOStreams()
	command := kubectlvirt.NewCommand("kubectl-virt", streams)
	command.SetArgs([]string{"__complete", "pause", "--server", s.URL, "--kubeconfig", "/dev/null", ""})
	require.NoError(t, command.Execute())
	assert.Equal(t, "vm\nvmi\n:4\n", stdout.String())
	assert.Empty(t, s.path, "no server is asked")
}
