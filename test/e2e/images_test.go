// SPDX-License-Identifier: Apache-2.0

package e2e

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
	// linuxImage is the small Linux: a qcow2 file.
	linuxImage = "/linux.qcow2"
	// tinyImage is the guest of one sector: a raw file.
	tinyImage = "/tiny.img"
)

// imageServer serves the images of guests on loopback.
type imageServer struct{ address string }

func serveImages() (*imageServer, error) {
	linux := filepath.Join(suite.root, "linux.qcow2")
	if output, err := exec.Command("../../hack/guest-image.sh", linux).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make the guest's image: %w\n%s", err, output)
	}
	mux := http.NewServeMux()
	mux.HandleFunc(linuxImage, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, linux) })
	mux.HandleFunc(tinyImage, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(rawImage()))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { _ = http.Serve(listener, mux) }()
	return &imageServer{listener.Addr().String()}, nil
}

func (s *imageServer) url(path string) string { return "http://" + s.address + path }

// rawImage is the tiny guest's.
func rawImage() []byte { return launchertest.GuestImage() }
