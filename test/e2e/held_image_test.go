// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

// heldImage is the tiny guest's image at a server that stops in the middle until it is released.
type heldImage struct {
	url string

	mu   sync.Mutex
	gate chan struct{}
}

func holdImage(t *testing.T) *heldImage {
	held := &heldImage{gate: make(chan struct{})}
	server := httptest.NewServer(held)
	t.Cleanup(server.Close)
	held.url = server.URL
	return held
}

// ServeHTTP implements http.Handler.
func (h *heldImage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	image := launchertest.GuestImage()
	w.Header().Set("Content-Length", fmt.Sprint(len(image)))
	_, _ = w.Write(image[:len(image)/2])
	_ = http.NewResponseController(w).Flush()
	select {
	case <-h.current():
		_, _ = w.Write(image[len(image)/2:])
	case <-r.Context().Done():
	}
}

func (h *heldImage) current() chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.gate
}

// release lets all go on that are held.
func (h *heldImage) release() { close(h.current()) }

// hold holds those that come from now on.
func (h *heldImage) hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gate = make(chan struct{})
}
