// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/path"
	"k8s.io/apiserver/pkg/authorization/union"
)

const denied = "a standalone server knows no roles: only the group " + user.SystemPrivilegedGroup + " has rights here"

func newAuthorizer() (authorizer.Authorizer, error) {
	health, err := path.NewAuthorizer(healthPaths())
	if err != nil {
		return nil, fmt.Errorf("open the health paths: %w", err)
	}
	deny := func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
		return authorizer.DecisionDeny, denied, nil
	}
	return union.New(
		union.NamedAuthorizer{AuthorizerName: "privileged-groups", Authorizer: authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup)},
		union.NamedAuthorizer{AuthorizerName: "health-paths", Authorizer: health},
		union.NamedAuthorizer{AuthorizerName: "deny", Authorizer: authorizer.AuthorizerFunc(deny)},
	)
}

// ruleResolver says what the authorizer says, in the form of rules.
type ruleResolver struct{}

var _ authorizer.RuleResolver = ruleResolver{}

func (ruleResolver) RulesFor(_ context.Context, who user.Info, _ string) (
	[]authorizer.ResourceRuleInfo, []authorizer.NonResourceRuleInfo, bool, error,
) {
	all := []string{"*"}
	if slices.Contains(who.GetGroups(), user.SystemPrivilegedGroup) {
		return []authorizer.ResourceRuleInfo{&authorizer.DefaultResourceRuleInfo{Verbs: all, APIGroups: all, Resources: all}},
			[]authorizer.NonResourceRuleInfo{&authorizer.DefaultNonResourceRuleInfo{Verbs: all, NonResourceURLs: all}},
			false, nil
	}
	return nil, []authorizer.NonResourceRuleInfo{
		&authorizer.DefaultNonResourceRuleInfo{Verbs: []string{"get"}, NonResourceURLs: healthPaths()},
	}, false, nil
}
