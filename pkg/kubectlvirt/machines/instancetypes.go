// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// lister lists the names of one kind.
type lister struct {
	// prefix tells the kind where it is not the default one.
	prefix string
	list   func(ctx context.Context, c *Client, options metav1.ListOptions) (runtime.Object, error)
}

// CompleteInstancetypes completes [KIND/]NAME of an instance type.
func CompleteInstancetypes(flags genericclioptions.RESTClientGetter) cobra.CompletionFunc {
	return completeLists(flags,
		lister{"", func(ctx context.Context, c *Client, options metav1.ListOptions) (runtime.Object, error) {
			return c.clientset.InstancetypeV1beta1().VirtualMachineClusterInstancetypes().List(ctx, options)
		}},
		lister{strings.ToLower(kubevirtv1.KindInstancetype) + "/", func(ctx context.Context, c *Client, options metav1.ListOptions) (runtime.Object, error) {
			return c.clientset.InstancetypeV1beta1().VirtualMachineInstancetypes(c.Namespace).List(ctx, options)
		}})
}

// CompletePreferences completes [KIND/]NAME of a preference.
func CompletePreferences(flags genericclioptions.RESTClientGetter) cobra.CompletionFunc {
	return completeLists(flags,
		lister{"", func(ctx context.Context, c *Client, options metav1.ListOptions) (runtime.Object, error) {
			return c.clientset.InstancetypeV1beta1().VirtualMachineClusterPreferences().List(ctx, options)
		}},
		lister{strings.ToLower(kubevirtv1.KindPreference) + "/", func(ctx context.Context, c *Client, options metav1.ListOptions) (runtime.Object, error) {
			return c.clientset.InstancetypeV1beta1().VirtualMachinePreferences(c.Namespace).List(ctx, options)
		}})
}

// completeLists offers what can be listed: one who may not list a kind is offered the others.
func completeLists(flags genericclioptions.RESTClientGetter, listers ...lister) cobra.CompletionFunc {
	return func(command *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		client, err := NewClient(flags)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
		defer cancel()
		var names []cobra.Completion
		for _, l := range listers {
			list, err := l.list(ctx, client, metav1.ListOptions{Limit: maxNames})
			if err != nil {
				continue
			}
			_ = meta.EachListItem(list, func(obj runtime.Object) error {
				names = append(names, l.prefix+obj.(metav1.Object).GetName())
				return nil
			})
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
