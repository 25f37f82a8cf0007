// SPDX-License-Identifier: Apache-2.0

package portforward

import (
	"context"
	"fmt"
	"io"

	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// pipes are standard input and output as one connection. The end of the input ends nothing: the guest's answer
// is still to come.
type pipes struct {
	*io.PipeReader
	io.Writer
}

// forwardStdio joins the pipes to the guest's port until the guest closes the connection.
func (o *Options) forwardStdio(ctx context.Context) error {
	socket, err := o.open(ctx, o.ports[0])
	if err != nil {
		return err
	}
	input, feed := io.Pipe()
	// A read of the terminal can't be ended: it ends with the process.
	go func() { _, _ = io.Copy(feed, o.streams.In) }()
	err = streams.Bridge(ctx, socket, pipes{input, o.streams.Out})
	if err == nil || ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("connection to %s of %s: %w", o.ports[0], o.target.Name, err)
}
