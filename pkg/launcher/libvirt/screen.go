// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"io"
	"net"

	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
)

// OpenScreen connects to the screen of a domain.
func (c *Conn) OpenScreen(ref launcher.Ref) (net.Conn, error) {
	var screen net.Conn
	err := c.use(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			file, err := d.OpenGraphicsFD(0, libvirt.DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
			if err != nil {
				return err
			}
			defer file.Close()
			screen, err = net.FileConn(file)
			return err
		})
	})
	return screen, err
}

// Screenshot has read take a picture of the domain's first screen, of the type mime.
func (c *Conn) Screenshot(ref launcher.Ref, read func(mime string, picture io.Reader) error) error {
	return c.useSlow(func(conn *libvirt.Connect) error {
		return c.with(conn, ref, func(d *libvirt.Domain) error {
			stream, err := conn.NewStream(0)
			if err != nil {
				return err
			}
			defer stream.Free()
			mime, err := d.Screenshot(stream, 0, 0)
			if err != nil {
				return err
			}
			if err := read(mime, streamReader{stream}); err != nil {
				_ = stream.Abort()
				return err
			}
			return finish(stream)
		})
	})
}

// finish ends a stream of which all was read that is wanted; what is left of it is read on, for libvirt
// calls it an error where it is not.
func finish(stream *libvirt.Stream) error {
	if _, err := io.Copy(io.Discard, streamReader{stream}); err != nil {
		_ = stream.Abort()
		return err
	}
	return stream.Finish()
}

// streamReader is a stream as io has them.
type streamReader struct {
	*libvirt.Stream
}

func (r streamReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.Recv(p)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
