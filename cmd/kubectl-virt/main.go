// SPDX-License-Identifier: Apache-2.0

// Command kubectl-virt is the kubectl plugin for virtual machines: kubectl virt console, start, stop and the others.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/ssh"
)

func main() {
	os.Exit(run())
}

func run() int {
	// A first signal ends the session and restores the terminal; a second one ends the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop)

	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	err := kubectlvirt.NewCommand(os.Args[0], streams).ExecuteContext(ctx)
	if ended := (*ssh.EndedError)(nil); errors.As(err, &ended) {
		return ended.Code
	}
	if err != nil {
		fmt.Fprintln(streams.ErrOut, "error:", err)
		return 1
	}
	return 0
}
