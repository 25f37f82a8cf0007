// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

// bind gives a user one of the cluster's own roles, into which ours aggregate.
func bind(t *testing.T, ns, user, clusterRole string) {
	t.Helper()
	bindTo(t, ns, user, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: clusterRole})
	awaitAllowed(t, user, authorizationv1.ResourceAttributes{Namespace: ns, Group: apitest.Machines.Group, Resource: apitest.Machines.Resource, Verb: "list"})
}

// grant allows a user one verb on one subresource, such as virtualmachines/start.
func grant(t *testing.T, ns, user, group, resource, verb string) {
	t.Helper()
	role, err := shared.Core.RbacV1().Roles(ns).Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{group}, Resources: []string{resource}, Verbs: []string{verb}}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	bindTo(t, ns, user, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name})
	parent, subresource, _ := strings.Cut(resource, "/")
	awaitAllowed(t, user, authorizationv1.ResourceAttributes{Namespace: ns, Group: group, Resource: parent, Subresource: subresource, Verb: verb})
}

func bindTo(t *testing.T, ns, user string, role rbacv1.RoleRef) {
	t.Helper()
	_, err := shared.Core.RbacV1().RoleBindings(ns).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
		RoleRef:    role,
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
}

// awaitAllowed waits until kube-apiserver has seen what was granted.
func awaitAllowed(t *testing.T, user string, attributes authorizationv1.ResourceAttributes) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		review, err := shared.Core.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &attributes},
		}, metav1.CreateOptions{})
		require.NoError(c, err)
		assert.True(c, review.Status.Allowed)
	}, soon, tick)
}
