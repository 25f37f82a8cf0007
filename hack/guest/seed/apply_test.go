// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// guest is a root folder with the users that the image has, where commands are
// only written down.
type guest struct {
	system
	ran []string
}

func newGuest(t *testing.T) *guest {
	g := &guest{}
	g.root = t.TempDir()
	g.run = func(stdin string, command ...string) error {
		line := strings.ReplaceAll(strings.Join(command, " "), g.root, "")
		if stdin != "" {
			line += " < " + strings.TrimSpace(stdin)
		}
		g.ran = append(g.ran, line)
		return nil
	}
	for _, dir := range []string{"etc/dropbear", "home/guest", "root"} {
		require.NoError(t, os.MkdirAll(filepath.Join(g.root, dir), 0o755))
	}
	return g
}

func (g *guest) read(t *testing.T, path string) string {
	content, err := os.ReadFile(filepath.Join(g.root, path))
	require.NoError(t, err)
	return string(content)
}

func TestApplySetsUpTheGuest(t *testing.T) {
	g := newGuest(t)
	c, _, err := parse([]byte(`#cloud-config
fqdn: vm.example
user: alice
password: rabbit
ssh_authorized_keys: [KEY1]
users: [{name: bob, passwd: $6$salt$hash}]
chpasswd: {list: ["root:toor"]}
bootcmd: [early]
runcmd: [late, [a, b]]
write_files:
- {path: /opt/x/y, content: aGVsbG8=, encoding: b64, permissions: '0700', owner: 'bob:bob'}
`))
	require.NoError(t, err)
	require.NoError(t, g.apply(seed{instanceID: "one", hostname: "meta", keys: []string{"KEY2"}}, c))

	assert.Equal(t, []string{
		"sh -c early",
		"passwd -l guest",
		"adduser alice",
		"chpasswd < alice:rabbit",
		"chown -R alice:alice /home/alice/.ssh",
		"adduser bob",
		"chpasswd -e < bob:$6$salt$hash",
		"chpasswd < root:toor",
		"chown bob:bob /opt/x/y",
		"sync",
	}, g.ran)
	assert.Equal(t, "vm\n", g.read(t, "etc/hostname"))
	assert.Contains(t, g.read(t, "etc/hosts"), "127.0.1.1 vm\n")
	assert.Equal(t, "KEY1\nKEY2\n", g.read(t, "home/alice/.ssh/authorized_keys"))
	assert.Contains(t, g.read(t, "etc/securetty"), "ttyS0\n")
	assert.Equal(t, "hello", g.read(t, "opt/x/y"))
	assert.Equal(t, "#!/bin/sh\nlate\n'a' 'b'\n", g.read(t, "var/lib/seed/run"))
	info, err := os.Stat(filepath.Join(g.root, "opt/x/y"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode())
}

func TestApplyDoesItOnceForAnInstance(t *testing.T) {
	g := newGuest(t)
	c := config{Bootcmd: []command{"each time"}, Runcmd: []command{"once"}}
	require.NoError(t, g.apply(seed{instanceID: "one", hostname: "first"}, c))
	require.NoError(t, os.Remove(filepath.Join(g.root, stateDir, "run")))

	require.NoError(t, g.apply(seed{instanceID: "one", hostname: "second"}, c))
	assert.Equal(t, "first\n", g.read(t, "etc/hostname"))
	assert.NoFileExists(t, filepath.Join(g.root, stateDir, "run"))
	assert.Equal(t, []string{"sh -c each time", "sync", "sh -c each time"}, g.ran)

	hostKey := filepath.Join(g.root, "etc/dropbear/dropbear_ed25519_host_key")
	require.NoError(t, os.WriteFile(hostKey, nil, 0o600))
	require.NoError(t, g.apply(seed{instanceID: "two", hostname: "second"}, c))
	assert.Equal(t, "second\n", g.read(t, "etc/hostname"))
	assert.NoFileExists(t, hostKey, "a new instance has keys of its own")
}

func TestDefaultUserKeepsItsPasswordUntilASeedGivesAWayIn(t *testing.T) {
	for name, test := range map[string]struct {
		config config
		keys   []string
		locked bool
	}{
		"only a name": {config{Hostname: "x"}, nil, false},
		"a password":  {config{Password: "x"}, nil, true},
		"a user":      {config{User: user{Name: "alice"}}, nil, true},
		"a key":       {config{}, []string{"K"}, true},
	} {
		g := newGuest(t)
		require.NoError(t, g.apply(seed{instanceID: "one", keys: test.keys}, test.config), name)
		assert.Equal(t, test.locked, strings.Contains(strings.Join(g.ran, "\n"), "passwd -l guest"), name)
	}
}

func TestApplyNamesWhatIsWrongAndDoesTheRest(t *testing.T) {
	g := newGuest(t)
	err := g.apply(seed{instanceID: "one"}, config{
		Hostname:   "no_good",
		Users:      []user{{Name: "No Good"}, {Name: "bob", PlainText: "a\nroot:b"}},
		WriteFiles: []writeFile{{Path: "/a", Permissions: "rwx"}, {Path: "/b", Encoding: "gzip"}, {Path: "/c", Content: "c"}},
		Chpasswd:   chpasswd{List: userList{"nobody"}},
	})
	for _, want := range []string{`hostname "no_good"`, `user "No Good"`, `password of "bob"`, `permissions "rwx"`, `unknown encoding "gzip"`, "chpasswd.list"} {
		assert.ErrorContains(t, err, want)
	}
	assert.Equal(t, "c", g.read(t, "c"))
}

func TestWriteFilesStaysBelowTheRoot(t *testing.T) {
	g := newGuest(t)
	require.NoError(t, g.writeFiles([]writeFile{{Path: "../../../../x", Content: "x"}}))
	assert.Equal(t, "x", g.read(t, "x"))
}
