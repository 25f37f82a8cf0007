// SPDX-License-Identifier: Apache-2.0

package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const (
	keptDir  = "kept"
	keptFile = "kept.json"
)

// Kept is state that outlives the instances of a machine, by the UUID of its domains.
type Kept struct {
	api.Kept
	// TPM is true where libvirt, too, keeps something.
	TPM bool `json:"tpm,omitempty"`
}

// Keep notes that state is kept, and whose it is. It makes the directory of it if need be.
func (d *Dir) Keep(kept *Kept) error {
	dir, err := keptPath(kept.UUID)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("keep state: %w", err)
	}
	if err := d.root.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("keep state: %w", err)
	}
	temporary := filepath.Join(dir, keptFile+".new")
	if err := d.root.WriteFile(temporary, raw, 0o600); err != nil {
		return fmt.Errorf("keep state: %w", err)
	}
	if err := d.root.Rename(temporary, filepath.Join(dir, keptFile)); err != nil {
		return fmt.Errorf("keep state: %w", err)
	}
	return nil
}

// KeptNVRAM is the path of firmware variables that are kept.
func (d *Dir) KeptNVRAM(domain string) string {
	return filepath.Join(d.path, keptDir, domain, nvramFile)
}

// Kept returns what is kept for the domain of a UUID, or nil.
func (d *Dir) Kept(domain string) (*Kept, error) {
	dir, err := keptPath(domain)
	if err != nil {
		return nil, err
	}
	f, err := d.root.Open(filepath.Join(dir, keptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kept state: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return nil, fmt.Errorf("kept state: %w", err)
	}
	var kept Kept
	if err := json.Unmarshal(raw, &kept); err != nil {
		return nil, fmt.Errorf("kept state of domain %s: %w", domain, err)
	}
	if kept.UUID != domain {
		return nil, fmt.Errorf("kept state of domain %s: is that of %q", domain, kept.UUID)
	}
	return &kept, nil
}

// AllKept returns all that is kept and can be read.
func (d *Dir) AllKept() ([]Kept, error) {
	entries, err := fs.ReadDir(d.root.FS(), keptDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kept state: %w", err)
	}
	var all []Kept
	for _, entry := range entries {
		if kept, err := d.Kept(entry.Name()); err == nil && kept != nil {
			all = append(all, *kept)
		}
	}
	return all, nil
}

// Forget removes what is kept here for the domain of a UUID. Removing what is not there succeeds.
func (d *Dir) Forget(domain string) error {
	dir, err := keptPath(domain)
	if err != nil {
		return err
	}
	if err := d.root.RemoveAll(dir); err != nil {
		return fmt.Errorf("forget kept state: %w", err)
	}
	return nil
}

func keptPath(domain string) (string, error) {
	if len(domain) != 36 || uuid.Validate(domain) != nil {
		return "", fmt.Errorf("kept state: %q is no UUID", domain)
	}
	return filepath.Join(keptDir, domain), nil
}
