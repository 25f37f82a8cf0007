// SPDX-License-Identifier: Apache-2.0

package roles

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
)

func TestManifestIsThatOfTheTable(t *testing.T) {
	var want bytes.Buffer
	require.NoError(t, WriteManifest(&want))
	got, err := os.ReadFile("../../artifacts/cluster/roles.yaml")
	require.NoError(t, err)
	assert.Equal(t, want.String(), string(got), "run make generate")
}

func TestEachRoleOfTheTableIsMade(t *testing.T) {
	var names []string
	for _, role := range ClusterRoles(Table()) {
		names = append(names, role.Name)
		assert.NotEmpty(t, role.Rules, role.Name)
	}
	for _, entry := range Table() {
		for role := range entry.Rights {
			assert.Contains(t, names, role, entry.Resource)
		}
	}
}

// access is what KubeVirt's own specs of user access expect: the roles that have all of the verbs, and no others.
type access struct {
	group, resource string
	verbs           []string
	allowed         []string
}

func TestAccessIsWhatKubeVirtsSpecsExpect(t *testing.T) {
	users, readers := []string{Admin, Edit}, []string{Admin, Edit, View}
	const actions, machines, instances = "subresources.kubevirt.io", "virtualmachines", "virtualmachineinstances"
	var specs []access
	for resource, group := range map[string]string{
		machines: "kubevirt.io", instances: "kubevirt.io", "virtualmachineclones": "clone.kubevirt.io",
		"virtualmachineinstancetypes": "instancetype.kubevirt.io", "virtualmachinepreferences": "instancetype.kubevirt.io",
	} {
		specs = append(specs,
			access{group, resource, []string{"get", "list", "watch"}, readers},
			access{group, resource, []string{"create", "update", "patch", "delete"}, users},
			access{group, resource, []string{"deletecollection"}, []string{Admin}})
	}
	for _, resource := range []string{"virtualmachineclusterinstancetypes", "virtualmachineclusterpreferences"} {
		specs = append(specs, access{"instancetype.kubevirt.io", resource, []string{"get", "list", "watch"},
			append(readers[:3:3], InstancetypeView)})
	}
	for _, action := range []string{
		machines + "/start", machines + "/stop", machines + "/restart", machines + "/addvolume", machines + "/removevolume",
		instances + "/addvolume", instances + "/removevolume", instances + "/freeze", instances + "/unfreeze",
		instances + "/reset", instances + "/softreboot", instances + "/pause", instances + "/unpause",
	} {
		specs = append(specs, access{actions, action, []string{"update"}, users}, access{actions, action, []string{"get"}, nil})
	}
	for _, action := range []string{
		machines + "/portforward", instances + "/portforward", instances + "/console",
		instances + "/vnc", instances + "/vnc/screenshot",
	} {
		specs = append(specs, access{actions, action, []string{"get"}, users}, access{actions, action, []string{"update"}, nil})
	}
	for _, action := range []string{
		machines + "/expand-spec", instances + "/guestosinfo", instances + "/userlist", instances + "/filesystemlist",
	} {
		specs = append(specs, access{actions, action, []string{"get"}, readers})
	}
	specs = append(specs,
		access{"kubevirt.io", "virtualmachineinstancemigrations", []string{"create", "delete", "deletecollection"}, []string{Migrate}},
		access{"kubevirt.io", "virtualmachineinstancemigrations", []string{"get", "list", "watch"}, append(readers[:3:3], Migrate)},
		access{actions, machines + "/migrate", []string{"update"}, []string{Migrate}},
		access{actions, instances + "/vsock", []string{"get"}, nil},
		access{actions, "expand-vm-spec", []string{"update"}, readers},
		access{actions, "version", []string{"get", "list"}, []string{Default}},
		access{actions, "guestfs", []string{"get", "list"}, []string{Default}},
		access{"kubevirt.io", "kubevirts", []string{"get", "list"}, []string{Edit, View, Default, Operator}},
	)
	for _, spec := range specs {
		for _, role := range ClusterRoles(Table()) {
			for _, verb := range spec.verbs {
				assert.Equal(t, slices.Contains(spec.allowed, role.Name), allows(role, spec.group, spec.resource, verb),
					"%s may %s %s of %s", role.Name, verb, spec.resource, spec.group)
			}
		}
	}
}

func allows(role rbacv1.ClusterRole, group, resource, verb string) bool {
	return slices.ContainsFunc(role.Rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.APIGroups, group) && slices.Contains(rule.Resources, resource) &&
			(slices.Contains(rule.Verbs, verb) || slices.Contains(rule.Verbs, "*"))
	})
}
