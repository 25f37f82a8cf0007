// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
)

// newRulesReview answers what the caller may do in a namespace.
func newRulesReview(rules authorizer.RuleResolver) rest.Storage {
	return &review[*authorizationv1.SelfSubjectRulesReview]{
		singular:  "selfsubjectrulesreview",
		newObject: func() *authorizationv1.SelfSubjectRulesReview { return &authorizationv1.SelfSubjectRulesReview{} },
		answer: func(ctx context.Context, who user.Info, question *authorizationv1.SelfSubjectRulesReview) error {
			if question.Spec.Namespace == "" {
				return apierrors.NewBadRequest("no namespace on request")
			}
			resources, paths, incomplete, err := rules.RulesFor(ctx, who, question.Spec.Namespace)
			question.Status = authorizationv1.SubjectRulesReviewStatus{
				ResourceRules:    resourceRules(resources),
				NonResourceRules: pathRules(paths),
				Incomplete:       incomplete,
			}
			if err != nil {
				question.Status.EvaluationError = err.Error()
			}
			return nil
		},
	}
}

// Lists are never nil: clients take null for an error.
func resourceRules(infos []authorizer.ResourceRuleInfo) []authorizationv1.ResourceRule {
	rules := make([]authorizationv1.ResourceRule, 0, len(infos))
	for _, info := range infos {
		rules = append(rules, authorizationv1.ResourceRule{
			Verbs: info.GetVerbs(), APIGroups: info.GetAPIGroups(), Resources: info.GetResources(), ResourceNames: info.GetResourceNames(),
		})
	}
	return rules
}

func pathRules(infos []authorizer.NonResourceRuleInfo) []authorizationv1.NonResourceRule {
	rules := make([]authorizationv1.NonResourceRule, 0, len(infos))
	for _, info := range infos {
		rules = append(rules, authorizationv1.NonResourceRule{Verbs: info.GetVerbs(), NonResourceURLs: info.GetNonResourceURLs()})
	}
	return rules
}
