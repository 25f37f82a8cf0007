// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var userPattern = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,31}$`)

// addUsers makes the users of the seed and gives them passwords and keys. The
// password that the default user has from the image ends with the first seed that
// says another way in.
func (s system) addUsers(found seed, c config) error {
	name := first(c.User.Name, defaultUser)
	main := c.User
	main.Name = name
	main.PlainText = text(first(string(c.Password), c.User.password()))
	main.SSHKeys = append(append(main.SSHKeys, c.SSHKeys...), found.keys...)

	var failed []error
	if c.User.Name != "" || main.PlainText != "" || len(main.SSHKeys) > 0 || len(c.Users) > 0 {
		failed = append(failed, s.run("", "passwd", "-l", defaultUser))
	}
	failed = append(failed, s.addUser(main))
	for _, user := range c.Users {
		if user.Name != "default" {
			failed = append(failed, s.addUser(user))
		}
	}
	return errors.Join(append(failed, s.changePasswords(c.Chpasswd, name))...)
}

func (s system) addUser(u user) error {
	if !userPattern.MatchString(u.Name) {
		return fmt.Errorf("user %q: want a lower-case name of letters, digits, '_', '.' and '-'", u.Name)
	}
	home := filepath.Join("/home", u.Name)
	if u.Name == "root" {
		home = "/root"
	}
	if _, err := os.Stat(filepath.Join(s.root, home)); err != nil {
		if err := s.run("", "adduser", u.Name); err != nil {
			return err
		}
	}
	if err := s.setPassword(u.Name, u.password()); err != nil {
		return err
	}
	return s.authorize(u.Name, home, u.SSHKeys)
}

func (s system) changePasswords(c chpasswd, name string) error {
	var failed []error
	for _, line := range c.List {
		of, password, ok := strings.Cut(line, ":")
		if !ok {
			failed = append(failed, errors.New("chpasswd.list: want name:password on each line"))
			continue
		}
		failed = append(failed, s.setPassword(of, password))
	}
	for _, user := range c.Users {
		failed = append(failed, s.setPassword(first(user.Name, name), string(user.Password)))
	}
	return errors.Join(failed...)
}

// setPassword takes a password as it is, or hashed: a hash begins with $.
func (s system) setPassword(name, password string) error {
	if password == "" {
		return nil
	}
	if strings.ContainsAny(name+password, "\n\r") || strings.Contains(name, ":") {
		return fmt.Errorf("password of %q: neither may hold a line break, nor the name a colon", name)
	}
	if name == "root" {
		if err := s.admitRoot(); err != nil {
			return err
		}
	}
	command := []string{"chpasswd"}
	if strings.HasPrefix(password, "$") {
		command = []string{"chpasswd", "-e"}
	}
	return s.run(name+":"+password+"\n", command...)
}

// admitRoot lets root log in at the consoles. In the image root has no password and
// therefore must not: only sudo may become root.
func (s system) admitRoot() error {
	if err := os.WriteFile(filepath.Join(s.root, "etc/securetty"), []byte("ttyS0\ntty1\n"), 0o600); err != nil {
		return fmt.Errorf("let root log in: %w", err)
	}
	return nil
}

func (s system) authorize(name, home string, authorized []string) error {
	if len(authorized) == 0 {
		return nil
	}
	dir := filepath.Join(s.root, home, ".ssh")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the SSH folder of %s: %w", name, err)
	}
	content := strings.Join(authorized, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "authorized_keys"), []byte(content), 0o600); err != nil {
		return fmt.Errorf("write the SSH keys of %s: %w", name, err)
	}
	return s.run("", "chown", "-R", name+":"+name, dir)
}
