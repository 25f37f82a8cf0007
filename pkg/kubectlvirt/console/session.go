// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

const (
	// escape is Ctrl-].
	escape = 0x1d
	// chunk is read at a time; backlog of them may wait for a guest that takes no input.
	chunk   = 4 << 10
	backlog = 16
	// bell tells of typing that nobody takes.
	bell = "\a"
	// flushTime is for sending what was typed before the escape.
	flushTime = time.Second
)

// errLeft is the end of a session by the user, or by the end of a script's input.
var errLeft = errors.New("left")

// converse joins the user's terminal, or a script's pipes, to the console. However it ends, the terminal
// is as it was before.
func (o *Options) converse(ctx context.Context, socket *streams.Socket) error {
	terminal, err := openTerminal(o.streams.In, o.streams.Out)
	if err != nil {
		_ = socket.Close()
		return err
	}
	defer terminal.restore()
	if terminal.interactive {
		fmt.Fprintf(o.streams.ErrOut, "Connected to the console of %s. Ctrl-] leaves it; if nothing shows, press Enter.\r\n", o.name)
	}

	ended, left := make(chan error, 1), make(chan error, 1)
	go func() { ended <- copyOut(o.streams.Out, socket) }()
	go func() { left <- o.copyIn(socket, terminal.interactive) }()
	select {
	case err = <-ended:
	case err = <-left:
		if !errors.Is(err, errLeft) {
			// The socket broke; reading it tells why.
			err = <-ended
		}
	case <-ctx.Done():
		err = errLeft
	}
	terminal.restore()
	leave(socket)
	return o.farewell(err)
}

// leave tells the server, and does not wait long: behind a guest that takes no input it hears nothing.
func leave(socket io.Closer) {
	closed := make(chan struct{})
	go func() {
		_ = socket.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(flushTime):
	}
}

// copyOut copies what the guest writes. It returns how the stream ended.
func copyOut(out io.Writer, socket io.Reader) error {
	buffer := make([]byte, chunk)
	for {
		n, err := socket.Read(buffer)
		if _, writeErr := out.Write(buffer[:n]); writeErr != nil {
			return fmt.Errorf("write the guest's output: %w", writeErr)
		}
		if err != nil {
			return err
		}
	}
}

// copyIn copies what the user types until the escape, or a script's input until its end, and then returns
// errLeft. Reading and sending are apart, so that the escape works while the guest takes no input.
func (o *Options) copyIn(socket io.Writer, interactive bool) error {
	pending := make(chan []byte, backlog)
	sent := make(chan error, 1)
	go func() { sent <- send(socket, pending) }()
	o.read(pending, interactive)
	close(pending)
	var limit <-chan time.Time
	if interactive {
		limit = time.After(flushTime)
	}
	select {
	case err := <-sent:
		return err
	case <-limit:
		return errLeft
	}
}

// read takes input until its end. A user who types more than the guest takes hears a bell; a script waits.
func (o *Options) read(pending chan<- []byte, interactive bool) {
	for {
		buffer := make([]byte, chunk)
		n, err := o.streams.In.Read(buffer)
		data, escaped := buffer[:n], false
		if interactive {
			data, _, escaped = bytes.Cut(data, []byte{escape})
			select {
			case pending <- data:
			default:
				fmt.Fprint(o.streams.ErrOut, bell)
			}
		} else {
			pending <- data
		}
		if escaped || err != nil {
			return
		}
	}
}

// send sends what is pending. After a failure it drops the rest.
func send(socket io.Writer, pending <-chan []byte) error {
	failed := error(nil)
	for data := range pending {
		if failed == nil && len(data) > 0 {
			_, failed = socket.Write(data)
		}
	}
	if failed != nil {
		return failed
	}
	return errLeft
}

// farewell tells how the session ended, and how to go on.
func (o *Options) farewell(err error) error {
	again := o.client.Command("virt console %s", o.name)
	switch {
	case errors.Is(err, errLeft):
		o.say("Left the console of %s. Back to it: %s", o.name, again)
		return nil
	case errors.Is(err, io.EOF):
		o.say("The console of %s was closed: its guest has ended, or is being restarted.", o.name)
		o.say("See: %s. Back to it: %s", o.client.Command("get vm %s", o.name), again)
		return nil
	case errors.Is(err, streams.ErrTakenOver):
		return &machines.Hinted{Err: fmt.Errorf("another session has taken over the console of %s", o.name), Hints: []string{"Take it back: " + again}}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &machines.Hinted{
			Err:   fmt.Errorf("lost the connection to the console of %s: the network failed, or another session took over; the guest is not concerned", o.name),
			Hints: []string{"Back to it: " + again},
		}
	default:
		return &machines.Hinted{Err: fmt.Errorf("lost the console of %s: %w", o.name, err), Hints: []string{"Back to it: " + again}}
	}
}

// say is for people: standard output is the guest's.
func (o *Options) say(format string, args ...any) {
	fmt.Fprintf(o.streams.ErrOut, format+"\n", args...)
}
