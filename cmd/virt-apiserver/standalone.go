// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newStandaloneCommand(ctx context.Context) *cobra.Command {
	command := &cobra.Command{Use: "standalone"}
	command.SetContext(ctx)
	return command
}
