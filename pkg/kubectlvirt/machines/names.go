// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
)

const (
	// maxNames is more than anybody picks from.
	maxNames = 500
	// completionTimeout is how long a shell waits for names.
	completionTimeout = 3 * time.Second
)

// Complete completes the one argument of a command with the names of machines.
func Complete(flags genericclioptions.RESTClientGetter) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completeNames(command, flags, "")
	}
}

// CompleteKindAndName completes a type in the first argument, and a name in the second.
func CompleteKindAndName(flags genericclioptions.RESTClientGetter) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return []cobra.Completion{"vm", "vmi"}, cobra.ShellCompDirectiveNoFileComp
		case 1:
			return completeNames(command, flags, "")
		default:
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// CompleteTarget completes TYPE/NAME in the first argument; an instance has the name of its machine.
func CompleteTarget(flags genericclioptions.RESTClientGetter) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		kind, _, hasKind := strings.Cut(typed, "/")
		switch {
		case len(args) > 0:
			return nil, cobra.ShellCompDirectiveNoFileComp
		case !hasKind:
			return []cobra.Completion{"vm/", "vmi/"}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		default:
			return completeNames(command, flags, kind+"/")
		}
	}
}

// completeNames offers the names of machines behind prefix.
func completeNames(command *cobra.Command, flags genericclioptions.RESTClientGetter, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	client, err := NewClient(flags)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()
	names, err := client.names(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	for i := range names {
		names[i] = prefix + names[i]
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (c *Client) names(ctx context.Context) ([]string, error) {
	list, err := c.clientset.KubevirtV1().VirtualMachines(c.Namespace).List(ctx, metav1.ListOptions{Limit: maxNames})
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names, nil
}
