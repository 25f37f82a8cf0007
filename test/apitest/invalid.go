// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const invalidMachine = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
spec:
  runStrategy: Sometimes
  template:
    spec:
      hostname: not_a_name
      domain:
        memory: {guest: "0"}
        devices:
          disks:
          - name: root
            disk: {bus: floppy}
          - name: root
            disk: {}
      volumes:
      - name: other
        emptyDisk: {capacity: 1Gi}
`

func (a *API) invalidMachineHasACauseForEachField(t *testing.T) {
	ns := a.Namespace(t)
	_, err := a.Dynamic.Resource(Machines).Namespace(ns).Create(t.Context(), Object(t, Machines, invalidMachine, "one"), metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	const template = "spec.template.spec."
	assert.Subset(t, causes(t, err), []string{
		"spec.runStrategy", template + "hostname", template + "domain.memory.guest",
		template + "domain.devices.disks[0].disk.bus", template + "domain.devices.disks[1].name", template + "domain.devices.disks[0].name",
	})
	_, message, err := a.TryKubectl(t, invalidMachineNamed("one"), "-n", ns, "create", "-f", "-")
	require.Error(t, err)
	assert.Contains(t, message, "spec.runStrategy: Unsupported value")
}

func invalidMachineNamed(name string) string {
	return strings.Replace(invalidMachine, "kind: VirtualMachine\n", "kind: VirtualMachine\nmetadata: {name: "+name+"}\n", 1)
}

// causes are the fields that an error names.
func causes(t *testing.T, err error) []string {
	t.Helper()
	status := err.(apierrors.APIStatus).Status()
	require.EqualValues(t, http.StatusUnprocessableEntity, status.Code)
	require.NotNil(t, status.Details)
	var fields []string
	for _, cause := range status.Details.Causes {
		assert.NotEmpty(t, cause.Message, cause.Field)
		fields = append(fields, cause.Field)
	}
	return fields
}

// hostileText ends an attribute and an element of XML, and a path and a line.
const hostileText = "x\"/><a b='&c;'/>\n../../etc"

// hostileMachine has a place for each text that reaches a description of a domain, or a file's name.
const hostileMachine = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
spec:
  runStrategy: Halted
  template:
    spec:
      hostname: web
      domain:
        cpu: {model: host-model}
        machine: {type: q35}
        memory: {guest: 64Mi}
        firmware: {uuid: 5d307ca9-b3ef-428c-8861-06e72d69f223, serial: one}
        devices:
          disks:
          - name: root
            serial: one
            cache: none
            disk: {bus: virtio}
          interfaces:
          - name: default
            model: virtio
            macAddress: 02:00:00:00:00:01
            masquerade: {}
      networks:
      - name: default
        pod: {}
      volumes:
      - name: root
        persistentVolumeClaim: {claimName: root}
`

func (a *API) hostileTextIsRefused(t *testing.T) {
	ns := a.Namespace(t)
	client := a.Dynamic.Resource(Machines).Namespace(ns)
	_, err := client.Create(t.Context(), Object(t, Machines, hostileMachine, "one"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	require.NoError(t, err, "without the hostile text it is accepted")
	machine := Object(t, Machines, hostileMachine, "one")
	eachText(machine.Object["spec"], "spec", func(path, harmless string, replace func(string)) {
		replace(hostileText)
		defer replace(harmless)
		_, err := client.Create(t.Context(), machine, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if assert.Error(t, err, "%s is accepted", path) && !apierrors.IsBadRequest(err) {
			assert.Contains(t, causes(t, err), path)
		}
	})
}

// eachText visits each text in value with its path, and a function that replaces it.
func eachText(value any, path string, visit func(path, text string, replace func(string))) {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			eachMember(member, path+"."+key, func(text string) { value[key] = text }, visit)
		}
	case []any:
		for i, member := range value {
			eachMember(member, fmt.Sprintf("%s[%d]", path, i), func(text string) { value[i] = text }, visit)
		}
	}
}

func eachMember(member any, path string, replace func(string), visit func(path, text string, replace func(string))) {
	if text, ok := member.(string); ok {
		visit(path, text, replace)
		return
	}
	eachText(member, path, visit)
}
