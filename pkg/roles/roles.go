// SPDX-License-Identifier: Apache-2.0

package roles

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The names of the roles, which are KubeVirt's and CDI's.
const (
	Admin   = "kubevirt.io:admin"
	Edit    = "kubevirt.io:edit"
	View    = "kubevirt.io:view"
	Migrate = "kubevirt.io:migrate"
	// Default is every user's.
	Default = "kubevirt.io:default"
	// Operator changes the settings of the installation. KubeVirt's own is part of each namespace's admin;
	// here the administrators of the cluster hand it out.
	Operator = "kubevirt.io:operator"
	// InstancetypeView is every user's.
	InstancetypeView = "instancetype.kubevirt.io:view"

	CDIAdmin = "cdi.kubevirt.io:admin"
	CDIEdit  = "cdi.kubevirt.io:edit"
	CDIView  = "cdi.kubevirt.io:view"
)

// role is how a role comes to its users.
type role struct {
	name string
	// joins is the cluster's own role that it becomes a part of.
	joins string
	// everybodys are bound to all who are known to the cluster.
	everybodys bool
}

func roles() []role {
	return []role{
		{name: Admin, joins: "admin"},
		{name: Edit, joins: "edit"},
		{name: View, joins: "view"},
		{name: Migrate},
		{name: Operator},
		{name: Default, everybodys: true},
		{name: InstancetypeView, everybodys: true},
		{name: CDIAdmin, joins: "admin"},
		{name: CDIEdit, joins: "edit"},
		{name: CDIView, joins: "view"},
	}
}

// ClusterRoles returns the roles with the rules that table has for them.
func ClusterRoles(table []Entry) []rbacv1.ClusterRole {
	var built []rbacv1.ClusterRole
	for _, r := range roles() {
		clusterRole := rbacv1.ClusterRole{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole"},
			ObjectMeta: metav1.ObjectMeta{Name: r.name},
			Rules:      rules(table, r.name),
		}
		if r.joins != "" {
			clusterRole.Labels = map[string]string{"rbac.authorization.k8s.io/aggregate-to-" + r.joins: "true"}
		}
		built = append(built, clusterRole)
	}
	return built
}

// Bindings returns what gives everybody the roles that are everybody's.
func Bindings() []rbacv1.ClusterRoleBinding {
	var built []rbacv1.ClusterRoleBinding
	for _, r := range roles() {
		if !r.everybodys {
			continue
		}
		built = append(built, rbacv1.ClusterRoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"},
			ObjectMeta: metav1.ObjectMeta{Name: r.name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: r.name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:authenticated"}},
		})
	}
	return built
}

// rules has one rule for all resources of the same groups that a role may do the same with.
func rules(table []Entry, role string) []rbacv1.PolicyRule {
	var built []rbacv1.PolicyRule
	at := map[string]int{}
	for _, entry := range table {
		verbs, ok := entry.Rights[role]
		if !ok {
			continue
		}
		key := strings.Join(entry.Groups, ",") + " " + strings.Join(verbs, ",")
		i, seen := at[key]
		if !seen {
			i = len(built)
			at[key] = i
			built = append(built, rbacv1.PolicyRule{APIGroups: entry.Groups, Verbs: slices.Clone(verbs)})
		}
		built[i].Resources = append(built[i].Resources, entry.Resource)
	}
	return built
}
