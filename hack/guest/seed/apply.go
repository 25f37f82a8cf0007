// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const (
	defaultUser = "guest"
	stateDir    = "var/lib/seed"
)

var hostnamePattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// system is the guest that is set up: its root folder, and how commands run in it.
type system struct {
	root string
	run  func(stdin string, command ...string) error
}

// apply makes the guest what the seed says, unless it did so before for the same
// instance. Each part is tried, whatever became of the others.
func (s system) apply(found seed, c config) error {
	bootcmd := s.commands(c.Bootcmd)
	state := filepath.Join(s.root, stateDir)
	if known, err := os.ReadFile(filepath.Join(state, "instance-id")); err == nil && string(known) == found.instanceID {
		return bootcmd
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return fmt.Errorf("make the folder of the instance: %w", err)
	}
	return errors.Join(
		bootcmd,
		s.forget(),
		s.setHostname(c.hostname(found.hostname)),
		s.addUsers(found, c),
		s.writeFiles(c.WriteFiles),
		s.leaveForLater(c),
		// A guest that is killed now must not believe later that it has what it never kept.
		s.run("", "sync"),
		s.write("instance-id", []byte(found.instanceID), 0o600),
	)
}

func (s system) commands(lines []command) error {
	var failed []error
	for _, line := range lines {
		failed = append(failed, s.run("", "sh", "-c", string(line)))
	}
	return errors.Join(failed...)
}

// forget removes what belongs to an earlier instance of the same disk.
func (s system) forget() error {
	hostKeys, err := filepath.Glob(filepath.Join(s.root, "etc/dropbear/dropbear_*_host_key"))
	for _, path := range hostKeys {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

func (s system) setHostname(name string) error {
	if name == "" {
		return nil
	}
	if !hostnamePattern.MatchString(name) {
		return fmt.Errorf("hostname %q: want at most 63 letters, digits and hyphens", name)
	}
	hosts := "127.0.0.1 localhost\n127.0.1.1 " + name + "\n::1 localhost ip6-localhost\n"
	return errors.Join(
		os.WriteFile(filepath.Join(s.root, "etc/hostname"), []byte(name+"\n"), 0o644),
		os.WriteFile(filepath.Join(s.root, "etc/hosts"), []byte(hosts), 0o644),
	)
}

func (s system) writeFiles(files []writeFile) error {
	var failed []error
	for _, file := range files {
		if err := s.writeFile(file); err != nil {
			failed = append(failed, fmt.Errorf("write_files: %w", err))
		}
	}
	return errors.Join(failed...)
}

func (s system) writeFile(file writeFile) error {
	content := []byte(file.Content)
	switch file.Encoding {
	case "", "text/plain":
	case "b64", "base64":
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(file.Content), ""))
		if err != nil {
			return fmt.Errorf("decode the content of %s: %w", file.Path, err)
		}
		content = decoded
	default:
		return fmt.Errorf("%s: unknown encoding %q; use b64", file.Path, file.Encoding)
	}
	mode := uint64(0o644)
	if file.Permissions != "" {
		var err error
		if mode, err = strconv.ParseUint(string(file.Permissions), 8, 12); err != nil {
			return fmt.Errorf("%s: permissions %q are not an octal number in quotes", file.Path, file.Permissions)
		}
	}
	path := filepath.Join(s.root, filepath.Join("/", file.Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", file.Path, err)
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if file.Append {
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	if err := writeTo(path, flags, content, fs.FileMode(mode)); err != nil {
		return err
	}
	if file.Owner == "" {
		return nil
	}
	return s.run("", "chown", file.Owner, path)
}

func writeTo(path string, flags int, content []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, flags, mode)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Chmod(mode), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// leaveForLater writes down what the boot script is to run, once, at the end.
func (s system) leaveForLater(c config) error {
	if c.script != nil {
		return s.write("run", c.script, 0o700)
	}
	if len(c.Runcmd) == 0 {
		return nil
	}
	script := "#!/bin/sh\n"
	for _, line := range c.Runcmd {
		script += string(line) + "\n"
	}
	return s.write("run", []byte(script), 0o700)
}

func (s system) write(name string, content []byte, mode fs.FileMode) error {
	return writeTo(filepath.Join(s.root, stateDir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, content, mode)
}
