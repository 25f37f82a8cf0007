// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"sigs.k8s.io/yaml"
)

// maxFile bounds each file of a seed, so that a broken volume cannot fill the memory.
const maxFile = 1 << 20

var errNoSeed = errors.New("no volume holds a seed")

// seed is what the machine was told about itself.
type seed struct {
	instanceID string
	hostname   string
	keys       []string
	userData   []byte
}

// find looks at every block device below devices, a folder like /sys/class/block,
// for one that is labelled as a seed. It returns errNoSeed when there is none.
func find(devices string) (seed, error) {
	entries, err := os.ReadDir(devices)
	if err != nil {
		return seed{}, fmt.Errorf("list block devices: %w", err)
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	for _, entry := range entries {
		path := filepath.Join("/dev", entry.Name())
		filesystem, label := inspect(path)
		switch strings.ToLower(label) {
		case "cidata":
			return mounted(path, filesystem, noCloud)
		case "config-2":
			return mounted(path, filesystem, configDrive)
		}
	}
	return seed{}, errNoSeed
}

// inspect takes a device that cannot be read, such as an empty drive, for unlabelled.
func inspect(path string) (filesystem, label string) {
	device, err := os.Open(path)
	if err != nil {
		return "", ""
	}
	defer device.Close()
	return volume(device)
}

func mounted(device, filesystem string, read func(fs.FS) (seed, error)) (found seed, err error) {
	target, err := os.MkdirTemp("", "seed")
	if err != nil {
		return seed{}, fmt.Errorf("make a mount point: %w", err)
	}
	defer os.Remove(target)
	if err := syscall.Mount(device, target, filesystem, syscall.MS_RDONLY, ""); err != nil {
		return seed{}, fmt.Errorf("mount %s as %s: %w", device, filesystem, err)
	}
	defer func() { err = errors.Join(err, syscall.Unmount(target, 0)) }()
	return read(os.DirFS(target))
}

func noCloud(volume fs.FS) (seed, error) {
	var meta struct {
		InstanceID    string `json:"instance-id"`
		LocalHostname string `json:"local-hostname"`
		Hostname      string `json:"hostname"`
		PublicKeys    keys   `json:"public-keys"`
	}
	raw, user, err := files(volume, "meta-data", "user-data", &meta)
	if err != nil {
		return seed{}, err
	}
	return seed{
		instanceID: identity(meta.InstanceID, raw, user),
		hostname:   first(meta.LocalHostname, meta.Hostname),
		keys:       meta.PublicKeys,
		userData:   user,
	}, nil
}

func configDrive(volume fs.FS) (seed, error) {
	var meta struct {
		InstanceID string `json:"instance_id"`
		UUID       string `json:"uuid"`
		Hostname   string `json:"hostname"`
		PublicKeys keys   `json:"public_keys"`
	}
	raw, user, err := files(volume, "openstack/latest/meta_data.json", "openstack/latest/user_data", &meta)
	if err != nil {
		return seed{}, err
	}
	return seed{
		instanceID: identity(first(meta.InstanceID, meta.UUID), raw, user),
		hostname:   meta.Hostname,
		keys:       meta.PublicKeys,
		userData:   user,
	}, nil
}

// files reads the two files of a seed and decodes the first. Either may be missing.
func files(volume fs.FS, metaName, userName string, meta any) (rawMeta, user []byte, err error) {
	if rawMeta, err = readFile(volume, metaName); err != nil {
		return nil, nil, err
	}
	if user, err = readFile(volume, userName); err != nil {
		return nil, nil, err
	}
	if err := yaml.Unmarshal(rawMeta, meta); err != nil {
		return nil, nil, fmt.Errorf("decode %s: %w", metaName, err)
	}
	return rawMeta, user, nil
}

func readFile(volume fs.FS, name string) ([]byte, error) {
	file, err := volume.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("read %s: it is longer than %d bytes", name, maxFile)
	}
	return content, nil
}

// identity makes up an id from the content where the seed names none: a seed that
// changed is then a new instance.
func identity(named string, content ...[]byte) string {
	if named != "" {
		return named
	}
	sum := sha256.New()
	for _, part := range content {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return fmt.Sprintf("content-%x", sum.Sum(nil))
}

func first(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
