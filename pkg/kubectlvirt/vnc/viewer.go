// SPDX-License-Identifier: Apache-2.0

package vnc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
)

// patience with a viewer that is asked to close.
const patience = 5 * time.Second

// viewer is a program that shows screens.
type viewer struct {
	path string
	// address is a format of host and port.
	address string
	output  io.Writer
}

// findViewer returns the viewer that is installed, or nil where none is wanted.
func (o *Options) findViewer() (*viewer, error) {
	if o.ProxyOnly {
		return nil, nil
	}
	for _, known := range []viewer{{path: "remote-viewer", address: "vnc://%s:%d"}, {path: "vncviewer", address: "%s::%d"}} {
		if path, err := exec.LookPath(known.path); err == nil {
			return &viewer{path, known.address, o.streams.ErrOut}, nil
		}
	}
	return nil, &machines.Hinted{Err: errors.New("neither remote-viewer nor vncviewer is installed"), Hints: []string{
		"Install one: the package virt-viewer, or tigervnc-viewer",
		"Use another: " + o.client.Command("virt vnc %s --proxy-only", o.name),
		"Take a picture: " + o.client.Command("virt vnc screenshot %s -f screen.png", o.name),
	}}
}

// run shows what is at the local port until the user closes the viewer, or ctx ends.
func (v *viewer) run(ctx context.Context, port int) error {
	command := exec.CommandContext(ctx, v.path, fmt.Sprintf(v.address, loopback, port))
	command.Stdout, command.Stderr = v.output, v.output
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = patience
	if err := command.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("run %s: %w", v.path, err)
	}
	return errClosed
}
