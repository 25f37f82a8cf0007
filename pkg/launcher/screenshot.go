// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"fmt"
	"io"
	"net/http"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/screen"
)

// maxScreenshots are made at a time: a picture takes much memory while it is encoded.
const maxScreenshots = 2

func (s *Server) screenshot(r *http.Request) (any, error) {
	var request api.ScreenshotRequest
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	return s.manager.Screenshot(targetFrom(r), request)
}

// Screenshot returns a picture of the guest's first screen.
func (m *Manager) Screenshot(target api.Target, request api.ScreenshotRequest) (*api.Screenshot, error) {
	doing := fmt.Sprintf("take a screenshot of %s/%s", target.Namespace, target.Name)
	g, err := m.acquireRunning(target, doing)
	if err != nil {
		return nil, err
	}
	graphics := g.facts != nil && g.facts.Graphics
	g.mu.Unlock() // a picture takes long, and a stop must not wait for it
	if !graphics {
		return nil, &api.Error{Reason: api.ErrorInvalid, Message: doing + ": it has no graphics device"}
	}
	select {
	case m.screenshots <- struct{}{}:
		defer func() { <-m.screenshots }()
	default:
		return nil, &api.Error{Reason: api.ErrorLimit, Message: fmt.Sprintf("%s: %d are being taken, which is the most; try again", doing, maxScreenshots)}
	}
	if request.MoveCursor {
		if err := m.wake(g.Ref); err != nil {
			return nil, m.refused(doing, err)
		}
	}
	picture := &api.Screenshot{}
	err = m.hypervisor.Screenshot(g.Ref, func(mime string, data io.Reader) (err error) {
		picture.PNG, err = screen.PNG(mime, data)
		return err
	})
	if err != nil {
		return nil, m.refused(doing, err)
	}
	return picture, nil
}

// wake moves the pointer of a guest's screen.
func (m *Manager) wake(ref Ref) error {
	conn, err := m.hypervisor.OpenScreen(ref)
	if err != nil {
		return err
	}
	defer conn.Close()
	return screen.Wake(conn)
}
