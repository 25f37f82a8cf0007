// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"bufio"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// nameOf is the name of the one object of each kind: a machine would adopt an instance of its own name.
func nameOf(resource schema.GroupVersionResource) string {
	if resource == Instances {
		return "alone"
	}
	return "one"
}

func (a *API) tablesHaveUpstreamsColumns(t *testing.T) {
	ns := a.Namespace(t)
	for resource := range Manifests {
		a.Create(t, resource, ns, nameOf(resource))
	}
	for _, test := range []struct{ resource, columns, wide string }{
		{"vm", "NAME AGE STATUS READY", "NAME AGE STATUS READY"},
		{"vmi", "NAME AGE PHASE IP NODENAME READY", "NAME AGE PHASE IP NODENAME READY LIVE-MIGRATABLE PAUSED"},
		{"dv", "NAME PHASE PROGRESS RESTARTS AGE", "NAME PHASE PROGRESS RESTARTS AGE"},
		{"vmf", "NAME AGE", "NAME AGE"},
		{"vmp", "NAME AGE", "NAME AGE"},
	} {
		assert.Equal(t, test.columns, header(a.Kubectl(t, "-n", ns, "get", test.resource)), test.resource)
		name := "one"
		if test.resource == "vmi" {
			name = nameOf(Instances)
		}
		assert.Equal(t, test.columns, header(a.Kubectl(t, "-n", ns, "get", test.resource, name)), test.resource)
		assert.Equal(t, test.wide, header(a.Kubectl(t, "-n", ns, "get", test.resource, "-o", "wide")), test.resource)
		assert.Equal(t, "NAMESPACE "+test.columns, header(a.Kubectl(t, "get", test.resource, "-A")), test.resource)
	}
}

func header(table string) string {
	first, _, _ := strings.Cut(table, "\n")
	return strings.Join(strings.Fields(first), " ")
}

func (a *API) getAllShowsEachKind(t *testing.T) {
	ns := a.Namespace(t)
	for resource := range Manifests {
		a.Create(t, resource, ns, nameOf(resource))
	}
	names := strings.Fields(a.Kubectl(t, "-n", ns, "get", "all", "-o", "name"))
	assert.ElementsMatch(t, []string{
		"virtualmachine.kubevirt.io/one",
		"virtualmachineinstance.kubevirt.io/alone",
		"datavolume.cdi.kubevirt.io/one",
		"virtualmachineinstancetype.instancetype.kubevirt.io/one",
		"virtualmachinepreference.instancetype.kubevirt.io/one",
	}, names)
}

func (a *API) applyTwiceChangesNothing(t *testing.T) {
	ns := a.Namespace(t)
	for resource := range Manifests {
		manifest := Named(t, resource, nameOf(resource))
		for _, server := range []string{"false", "true"} {
			apply := func() {
				a.KubectlWith(t, manifest, "-n", ns, "apply", "--server-side="+server, "--force-conflicts="+server, "-f", "-")
			}
			version := func() string {
				return a.Kubectl(t, "-n", ns, "get", resource.GroupResource().String(), nameOf(resource), "-o", "jsonpath={.metadata.resourceVersion}")
			}
			apply()
			assert.EventuallyWithT(t, func(c *assert.CollectT) { // once the controllers have written what they have to
				before := version()
				apply()
				assert.Equal(c, before, version(), "%s server-side=%s", resource.Resource, server)
			}, soon, tick)
		}
		assert.Empty(t, a.KubectlWith(t, manifest, "-n", ns, "diff", "-f", "-"), resource.Resource)
	}
}

// specInOwnWords has values that Kubernetes' own types write in other words, or leave out.
const specInOwnWords = `
runStrategy: Halted
template:
  metadata: {labels: {}}
  spec:
    nodeSelector: {}
    domain:
      cpu: {cores: 1, dedicatedCpuPlacement: false}
      memory: {guest: 1024Mi}
      resources: {requests: {cpu: 1000m}}
      devices: {disableHotplug: false, inputs: [], interfaces: [{name: default, masquerade: {}, macAddress: ""}]}
    networks: [{name: default, pod: {}}]
    volumes:
    - {name: d, persistentVolumeClaim: {claimName: none, hotpluggable: false}}
`

func (a *API) specStaysAsItWasWritten(t *testing.T) {
	var want any
	require.NoError(t, yaml.Unmarshal([]byte(specInOwnWords), &want))
	manifest, err := yaml.Marshal(map[string]any{
		"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": map[string]any{"name": "as-written"}, "spec": want,
	})
	require.NoError(t, err)
	for _, server := range []string{"false", "true"} {
		ns := a.Namespace(t)
		apply := func() string {
			return a.KubectlWith(t, string(manifest), "-n", ns, "apply", "--server-side="+server, "-f", "-")
		}
		apply()
		before := a.Kubectl(t, "-n", ns, "get", "vm", "as-written", "-o", "jsonpath={.metadata.generation}")
		second := apply()
		if server == "false" {
			assert.Contains(t, second, "unchanged")
		}
		machine, err := a.Dynamic.Resource(Machines).Namespace(ns).Get(t.Context(), "as-written", metav1.GetOptions{})
		require.NoError(t, err)
		got, err := yaml.Marshal(machine.Object["spec"])
		require.NoError(t, err)
		expected, err := yaml.Marshal(want)
		require.NoError(t, err)
		assert.Equal(t, string(expected), string(got))
		assert.Equal(t, before, strconv.FormatInt(machine.GetGeneration(), 10), "server-side=%s", server)
	}
}

func (a *API) kubectlRefusesAnUnknownField(t *testing.T) {
	ns := a.Namespace(t)
	manifest := strings.Replace(Named(t, Machines, "one"), `"spec":{`, `"spec":{"flavour":"large",`, 1)
	_, message, err := a.TryKubectl(t, manifest, "-n", ns, "create", "-f", "-")
	require.Error(t, err)
	assert.Contains(t, message, `unknown field "spec.flavour"`)
	_, message, err = a.TryKubectl(t, manifest, "-n", ns, "create", "--validate=warn", "-f", "-")
	require.NoError(t, err, message)
	assert.Contains(t, message, `Warning: unknown field "spec.flavour"`)
}

func (a *API) kubectlWorksOnMachinesAsOnAnyKind(t *testing.T) {
	ns := a.Namespace(t)
	a.KubectlWith(t, Named(t, Machines, "one"), "-n", ns, "create", "-f", "-")
	a.Kubectl(t, "-n", ns, "label", "vm", "one", "tier=test")
	a.Kubectl(t, "-n", ns, "annotate", "vm", "one", "note=kept")
	a.Kubectl(t, "-n", ns, "patch", "vm", "one", "--type=merge", "-p", `{"spec":{"runStrategy":"Manual"}}`)
	a.Kubectl(t, "-n", ns, "patch", "vm", "one", "-p", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":5}}}}`)
	a.Kubectl(t, "-n", ns, "wait", "vm", "one", "--for=jsonpath={.spec.runStrategy}=Manual", "--timeout=300s")
	assert.Equal(t, "5 kept", a.Kubectl(t, "-n", ns, "get", "vm", "-l", "tier=test", "-o",
		"jsonpath={.items[0].spec.template.spec.terminationGracePeriodSeconds} {.items[0].metadata.annotations.note}"))
	assert.Contains(t, a.Kubectl(t, "-n", ns, "describe", "vm", "one"), "Run Strategy:  Manual")
	replaced := a.Kubectl(t, "-n", ns, "get", "vm", "one", "-o", "json")
	a.KubectlWith(t, strings.Replace(replaced, `"kept"`, `"replaced"`, 1), "-n", ns, "replace", "-f", "-")
	assert.Equal(t, "replaced", a.Kubectl(t, "-n", ns, "get", "vm", "one", "-o", "jsonpath={.metadata.annotations.note}"))
	a.Kubectl(t, "-n", ns, "delete", "vm", "one", "--timeout=300s")
}

func (a *API) watchShowsEachChangeAsATableRow(t *testing.T) {
	ns := a.Namespace(t)
	command := a.Command(t.Context(), a.kubectl, "-n", ns, "get", "vm", "--watch", "--output-watch-events", "--no-headers")
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			lines <- strings.Join(strings.Fields(scanner.Text())[:2], " ")
		}
	}()
	until := func(want string) {
		t.Helper()
		deadline := time.After(soon)
		for line := ""; line != want; {
			select {
			case line = <-lines:
			case <-deadline:
				require.Fail(t, "no event", want)
			}
		}
	}
	a.Create(t, Machines, ns, "one")
	until("ADDED one")
	a.Kubectl(t, "-n", ns, "label", "vm", "one", "tier=test")
	until("MODIFIED one")
	a.Kubectl(t, "-n", ns, "delete", "vm", "one", "--wait=false")
	until("DELETED one")
}
