// SPDX-License-Identifier: Apache-2.0

package create

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// complete completes the values of flags that have few, and names that the server knows.
func complete(command *cobra.Command, flags genericclioptions.RESTClientGetter) {
	var imports []string
	for _, source := range slices.Sorted(maps.Keys(importTypes())) {
		imports = append(imports, "type:"+source+",")
	}
	few := func(values ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	for flag, completion := range map[string]cobra.CompletionFunc{
		"run-strategy":  few(strategies()...),
		"cloud-init":    few(noCloud, configDrive, noSeed),
		"volume-import": cobra.FixedCompletions(imports, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace),
		"instancetype":  machines.CompleteInstancetypes(flags),
		"preference":    machines.CompletePreferences(flags),
	} {
		// The flag is there, so this can't fail.
		_ = command.RegisterFlagCompletionFunc(flag, completion)
	}
}
