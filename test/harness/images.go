// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

const (
	// LinuxImage is the small Linux: a qcow2 file.
	LinuxImage = "/linux.qcow2"
	// TinyImage is the guest of one sector: a raw file.
	TinyImage = "/tiny.img"
)

// Images serves the images of guests on loopback.
type Images struct{ address string }

func serveImages(dir string) (*Images, error) {
	linux := filepath.Join(dir, "linux.qcow2")
	if output, err := exec.Command(repository+"/hack/guest-image.sh", linux).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make the guest's image: %w\n%s", err, output)
	}
	mux := http.NewServeMux()
	mux.HandleFunc(LinuxImage, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, linux) })
	mux.HandleFunc(TinyImage, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(launchertest.GuestImage()))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { _ = http.Serve(listener, mux) }()
	return &Images{listener.Addr().String()}, nil
}

// URL is of LinuxImage or TinyImage.
func (s *Images) URL(path string) string { return "http://" + s.address + path }
