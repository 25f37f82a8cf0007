// SPDX-License-Identifier: Apache-2.0

package core_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/standalonetest"
)

func TestCallersLearnWhatTheyMayDo(t *testing.T) {
	for name, spec := range map[string]authorizationv1.SelfSubjectAccessReviewSpec{
		"resource": {ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "create", Group: "kubevirt.io", Resource: "virtualmachines", Namespace: "default"}},
		"path":     {NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: "get", Path: "/metrics"}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := kube().AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(),
				&authorizationv1.SelfSubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
			require.NoError(t, err)
			assert.True(t, answer.Status.Allowed)
		})
	}
	rules, err := kube().AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(),
		&authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: "default"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Len(t, rules.Status.ResourceRules, 1)
	assert.Equal(t, []string{"*"}, rules.Status.ResourceRules[0].Resources)
}

func TestQuestionsWithoutAnAnswerAreRefused(t *testing.T) {
	for _, spec := range []authorizationv1.SelfSubjectAccessReviewSpec{
		{},
		{ResourceAttributes: &authorizationv1.ResourceAttributes{}, NonResourceAttributes: &authorizationv1.NonResourceAttributes{}},
	} {
		_, err := kube().AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(),
			&authorizationv1.SelfSubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
		assertInvalid(t, err, "spec.resourceAttributes")
	}
	_, err := kube().AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(), &authorizationv1.SelfSubjectRulesReview{}, metav1.CreateOptions{})
	assert.True(t, errors.IsBadRequest(err), err)
}

func TestOthersAreToldWhyTheyMayNot(t *testing.T) {
	config := rest.AnonymousClientConfig(server.Admin)
	config.BearerToken = standalonetest.BobsToken
	bob, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	_, err = bob.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
	require.True(t, errors.IsForbidden(err), err)
	assert.ErrorContains(t, err, `User "bob" cannot list resource "secrets"`)
	assert.ErrorContains(t, err, "only the group system:masters has rights here")

	nobody, err := kubernetes.NewForConfig(rest.AnonymousClientConfig(server.Admin))
	require.NoError(t, err)
	_, err = nobody.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
	assert.True(t, errors.IsUnauthorized(err), err)
	_, err = nobody.Discovery().RESTClient().Get().AbsPath("/livez").DoRaw(t.Context())
	assert.NoError(t, err)
}
