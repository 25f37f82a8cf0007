// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/klog/v2"
)

const (
	caCertName  = "ca.crt"
	caKeyName   = "ca.key"
	servingName = "serving.pem"
	adminName   = "admin.pem"

	checkInterval = 12 * time.Hour
)

// Config says what the certificates are for and where they are kept.
type Config struct {
	// Dir holds the authority and the certificates. It is made when it is missing; its parent must exist.
	Dir string
	// Hosts are names and addresses, besides those of this host's loopback and its own name, by which clients
	// reach the server. Addresses that stand for all interfaces stand for the address of each.
	Hosts []string
	// Kubeconfig is the file that gives the administrator access; ServerURL is what it points at.
	Kubeconfig string
	ServerURL  string
}

// Files are where the server finds its certificates. It may reload them whenever they change.
type Files struct {
	// CA holds the certificate of the authority that signs clients.
	CA string
	// Serving holds both the server's certificate and its key.
	Serving string
}

// Ensure makes what is missing, renews what is about to expire or no longer fits cfg, and leaves the rest as it
// is. The authority is never replaced: every kubeconfig handed out would stop working.
func Ensure(cfg Config) (Files, error) {
	files, err := ensure(cfg)
	if err != nil {
		return Files{}, fmt.Errorf("certificates in %s: %w", cfg.Dir, err)
	}
	return files, nil
}

// Run keeps the certificates valid until ctx is done: a server may run for longer than they last.
func Run(ctx context.Context, cfg Config) error {
	ticker := time.NewTicker(checkInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if _, err := Ensure(cfg); err != nil {
				klog.FromContext(ctx).Error(err, "Certificates were not renewed")
			}
		}
	}
}

func ensure(cfg Config) (Files, error) {
	if err := os.Mkdir(cfg.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return Files{}, err
	}
	root, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return Files{}, err
	}
	defer root.Close()
	if err := root.Chmod(".", 0o700); err != nil {
		return Files{}, err
	}
	ca, err := loadOrCreateAuthority(root, time.Now())
	if err != nil {
		return Files{}, err
	}
	hosts, err := servingHosts(cfg.Hosts)
	if err != nil {
		return Files{}, err
	}
	if _, err := ca.ensureLeaf(root, servingName, servingTemplate(hosts)); err != nil {
		return Files{}, err
	}
	admin, err := ca.ensureLeaf(root, adminName, adminTemplate())
	if err != nil {
		return Files{}, err
	}
	if err := writeKubeconfig(cfg, ca.certPEM(), admin); err != nil {
		return Files{}, err
	}
	return Files{CA: filepath.Join(cfg.Dir, caCertName), Serving: filepath.Join(cfg.Dir, servingName)}, nil
}
