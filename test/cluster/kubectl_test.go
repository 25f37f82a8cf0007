// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// named gives the resource's manifest with a name, for standard input.
func named(t *testing.T, resource schema.GroupVersionResource, name string) string {
	t.Helper()
	data, err := object(t, resource, manifests[resource], name).MarshalJSON()
	require.NoError(t, err)
	return string(data)
}

func TestTablesHaveUpstreamsColumns(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	for resource := range manifests {
		shared.create(t, resource, ns, "one")
	}
	for _, test := range []struct{ resource, columns, wide string }{
		{"vm", "NAME AGE STATUS READY", "NAME AGE STATUS READY"},
		{"vmi", "NAME AGE PHASE IP NODENAME READY", "NAME AGE PHASE IP NODENAME READY PAUSED"},
		{"dv", "NAME PHASE PROGRESS RESTARTS AGE", "NAME PHASE PROGRESS RESTARTS AGE"},
	} {
		assert.Equal(t, test.columns, header(shared.kubectl(t, "-n", ns, "get", test.resource)), test.resource)
		assert.Equal(t, test.columns, header(shared.kubectl(t, "-n", ns, "get", test.resource, "one")), test.resource)
		assert.Equal(t, test.wide, header(shared.kubectl(t, "-n", ns, "get", test.resource, "-o", "wide")), test.resource)
		assert.Equal(t, "NAMESPACE "+test.columns, header(shared.kubectl(t, "get", test.resource, "-A")), test.resource)
	}
}

func header(table string) string {
	first, _, _ := strings.Cut(table, "\n")
	return strings.Join(strings.Fields(first), " ")
}

func TestGetAllShowsEachKind(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	for resource := range manifests {
		shared.create(t, resource, ns, "one")
	}
	names := strings.Fields(shared.kubectl(t, "-n", ns, "get", "all", "-o", "name"))
	assert.ElementsMatch(t, []string{
		"virtualmachine.kubevirt.io/one",
		"virtualmachineinstance.kubevirt.io/one",
		"datavolume.cdi.kubevirt.io/one",
	}, names)
}

func TestApplyTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	for resource := range manifests {
		manifest := named(t, resource, "one")
		for _, mode := range []string{"--server-side=false", "--server-side=true"} {
			shared.kubectlWith(t, manifest, "-n", ns, "apply", mode, "--force-conflicts="+mode[len("--server-side="):], "-f", "-")
			version := shared.kubectl(t, "-n", ns, "get", resource.GroupResource().String(), "one", "-o", "jsonpath={.metadata.resourceVersion}")
			shared.kubectlWith(t, manifest, "-n", ns, "apply", mode, "-f", "-")
			again := shared.kubectl(t, "-n", ns, "get", resource.GroupResource().String(), "one", "-o", "jsonpath={.metadata.resourceVersion}")
			assert.Equal(t, version, again, "%s %s", resource.Resource, mode)
		}
		assert.Empty(t, shared.kubectlWith(t, manifest, "-n", ns, "diff", "-f", "-"), resource.Resource)
	}
}

func TestKubectlRefusesAnUnknownField(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	manifest := strings.Replace(named(t, machines, "one"), `"spec":{`, `"spec":{"flavour":"large",`, 1)
	_, message, err := shared.tryKubectl(t, manifest, "-n", ns, "create", "-f", "-")
	require.Error(t, err)
	assert.Contains(t, message, `unknown field "spec.flavour"`)
	_, message, err = shared.tryKubectl(t, manifest, "-n", ns, "create", "--validate=warn", "-f", "-")
	require.NoError(t, err, message)
	assert.Contains(t, message, `Warning: unknown field "spec.flavour"`)
}

func TestKubectlWorksOnMachinesAsOnAnyKind(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	shared.kubectlWith(t, named(t, machines, "one"), "-n", ns, "create", "-f", "-")
	shared.kubectl(t, "-n", ns, "label", "vm", "one", "tier=test")
	shared.kubectl(t, "-n", ns, "annotate", "vm", "one", "note=kept")
	shared.kubectl(t, "-n", ns, "patch", "vm", "one", "--type=merge", "-p", `{"spec":{"runStrategy":"Manual"}}`)
	shared.kubectl(t, "-n", ns, "patch", "vm", "one", "-p", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":5}}}}`)
	shared.kubectl(t, "-n", ns, "wait", "vm", "one", "--for=jsonpath={.spec.runStrategy}=Manual", "--timeout=10s")
	assert.Equal(t, "5 kept", shared.kubectl(t, "-n", ns, "get", "vm", "-l", "tier=test", "-o",
		"jsonpath={.items[0].spec.template.spec.terminationGracePeriodSeconds} {.items[0].metadata.annotations.note}"))
	assert.Contains(t, shared.kubectl(t, "-n", ns, "describe", "vm", "one"), "Run Strategy:  Manual")
	replaced := shared.kubectl(t, "-n", ns, "get", "vm", "one", "-o", "json")
	shared.kubectlWith(t, strings.Replace(replaced, `"kept"`, `"replaced"`, 1), "-n", ns, "replace", "-f", "-")
	assert.Equal(t, "replaced", shared.kubectl(t, "-n", ns, "get", "vm", "one", "-o", "jsonpath={.metadata.annotations.note}"))
	shared.kubectl(t, "-n", ns, "delete", "vm", "one", "--timeout=20s")
}

func TestWatchShowsEachChangeAsATableRow(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	command := shared.command(t, "", "-n", ns, "get", "vm", "--watch", "--output-watch-events", "--no-headers")
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
	shared.create(t, machines, ns, "one")
	until("ADDED one")
	shared.kubectl(t, "-n", ns, "label", "vm", "one", "tier=test")
	until("MODIFIED one")
	shared.kubectl(t, "-n", ns, "delete", "vm", "one", "--wait=false")
	until("DELETED one")
}
