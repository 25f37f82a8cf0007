// SPDX-License-Identifier: Apache-2.0

package vnc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// errClosed is the end of a session by its viewer.
var errClosed = errors.New("the viewer has been closed")

// show joins the first viewer that comes to the screen.
func (o *Options) show(ctx context.Context, listener net.Listener, socket *streams.Socket, viewer *viewer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	port := listener.Addr().(*net.TCPAddr).Port
	ended := make(chan error, 1)
	if viewer == nil {
		fmt.Fprintf(o.streams.Out, "{\"port\":%d}\n", port)
		close(ended)
	} else {
		go func() {
			err := viewer.run(ctx, port)
			cancel(err)
			ended <- err
		}()
	}
	err := join(ctx, listener, socket)
	cancel(errClosed)
	if failed := <-ended; failed != nil && !errors.Is(failed, errClosed) {
		return failed
	}
	return o.farewell(err)
}

// join waits for a viewer and bridges it to the screen. It returns nil where the guest, and errClosed where the
// viewer or ctx ended the session.
func join(ctx context.Context, listener net.Listener, socket *streams.Socket) error {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	conn, err := listener.Accept()
	// One session has one viewer.
	_ = listener.Close()
	if err != nil {
		_ = socket.Close()
		return errClosed
	}
	err = streams.Bridge(ctx, socket, conn)
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return errClosed
	}
	return err
}

// farewell tells how the session ended, and how to go on.
func (o *Options) farewell(err error) error {
	again := o.client.Command("virt vnc %s", o.name)
	switch {
	case err == nil:
		fmt.Fprintf(o.streams.ErrOut, "The screen of %s was closed: its guest has ended, or is being restarted.\nBack to it: %s\n", o.name, again)
		return nil
	case errors.Is(err, errClosed):
		return nil
	case errors.Is(err, streams.ErrTakenOver):
		return &machines.Hinted{Err: fmt.Errorf("another session has taken over the screen of %s", o.name), Hints: []string{"Take it back: " + again}}
	default:
		return &machines.Hinted{Err: fmt.Errorf("lost the screen of %s: %w", o.name, err), Hints: []string{"Back to it: " + again}}
	}
}
