// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/roles"
)

// kubevirtsRoles are the ClusterRoles that KubeVirt itself installs for users.
func kubevirtsRoles(t *testing.T) map[string]rbacv1.ClusterRole {
	t.Helper()
	// As the client is built, so that both share what is compiled.
	command := exec.CommandContext(t.Context(), "go", "-C", "../../hack/virtctl", "run", "-trimpath", "./roles")
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	text, err := command.Output()
	require.NoError(t, err)
	var objects []rbacv1.ClusterRole
	require.NoError(t, json.Unmarshal(text, &objects))
	byName := map[string]rbacv1.ClusterRole{}
	for _, object := range objects {
		if object.Kind == "ClusterRole" {
			byName[object.Name] = object
		}
	}
	return byName
}

func allowed(role rbacv1.ClusterRole, group, resource, verb string) bool {
	return slices.ContainsFunc(role.Rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.APIGroups, group) && slices.Contains(rule.Resources, resource) &&
			slices.Contains(rule.Verbs, verb)
	})
}

func TestRolesAllowWhatKubeVirtsAllow(t *testing.T) {
	theirs := kubevirtsRoles(t)
	require.Len(t, theirs, 6)
	ours := map[string]rbacv1.ClusterRole{}
	for _, role := range roles.ClusterRoles(roles.Table()) {
		ours[role.Name] = role
	}
	verbs := []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	for name, their := range theirs {
		for _, entry := range roles.Table() {
			// KubeVirt's group of actions is the one that its roles know.
			group := entry.Groups[0]
			if group == "cdi.kubevirt.io" || onlyOurs(entry.Resource) {
				continue
			}
			for _, verb := range verbs {
				assert.Equal(t, allowed(their, group, entry.Resource, verb), allowed(ours[name], group, entry.Resource, verb),
					"%s: %s %s of %s", name, verb, entry.Resource, group)
			}
		}
	}
}

// onlyOurs are a subresource that KubeVirt does not have, and the health that everybody may ask for here, as for
// that of any API server.
func onlyOurs(resource string) bool {
	return resource == "virtualmachines/console" || resource == "healthz"
}
