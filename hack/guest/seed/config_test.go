// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseUnderstandsTheFormsOfEachKey(t *testing.T) {
	for _, test := range []struct {
		name, userData string
		want           config
	}{
		{"nothing", "", config{}},
		{"password that looks like a number", "#cloud-config\npassword: 1234", config{Password: "1234"}},
		{"user by name", "#cloud-config\nuser: alice", config{User: user{Name: "alice"}}},
		{"user with more", "#cloud-config\nuser: {name: alice, plain_text_passwd: x}", config{User: user{Name: "alice", PlainText: "x"}}},
		{"users", "#cloud-config\nusers: [default, {name: bob}]", config{Users: []user{{Name: "default"}, {Name: "bob"}}}},
		{"commands", "#cloud-config\nruncmd:\n- echo a  b\n- [printf, \"it's\", 7]", config{Runcmd: []command{"echo a  b", `'printf' 'it'\''s' '7'`}}},
		{"passwords by line", "#cloud-config\nchpasswd:\n  list: |\n    a:b\n    c:d\n", config{Chpasswd: chpasswd{List: userList{"a:b", "c:d"}}}},
		{"passwords as a list", "#cloud-config\nchpasswd: {list: [\"a:b\"]}", config{Chpasswd: chpasswd{List: userList{"a:b"}}}},
		{"head with a space", "#cloud-config \nhostname: x", config{Hostname: "x"}},
		{"head of Windows", "#cloud-config\r\nhostname: x\r\n", config{Hostname: "x"}},
		{"program", "#!/bin/sh\ntrue\n", config{script: []byte("#!/bin/sh\ntrue\n")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			parsed, unknown, err := parse([]byte(test.userData))
			require.NoError(t, err)
			assert.Empty(t, unknown)
			assert.Equal(t, test.want, parsed)
		})
	}
}

func TestParseNamesTheKeysItDoesNotKnow(t *testing.T) {
	_, unknown, err := parse([]byte("#cloud-config\npackages: [vim]\nhostname: x\napt: {}\n"))
	require.NoError(t, err)
	assert.Equal(t, []string{"apt", "packages"}, unknown)
}

func TestParseRefusesWhatItCannotRead(t *testing.T) {
	for _, test := range []struct{ userData, want string }{
		{"hostname: x", `it must begin with #cloud-config or #!`},
		{"#cloud-config\na: [", "decode user-data"},
		{"#cloud-config\nruncmd: [{a: b}]", "a command must be a string or a list of strings"},
		{"#cloud-config\npassword: [x]", "want a string"},
		{"#cloud-config\nssh_authorized_keys: 7", "want SSH public keys"},
	} {
		_, _, err := parse([]byte(test.userData))
		assert.ErrorContains(t, err, test.want, test.userData)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("#cloud-config\nuser: {name: a}\nruncmd: [[a, 1]]\nchpasswd: {list: [a]}\nssh_authorized_keys: {a: [b]}\n"))
	f.Fuzz(func(t *testing.T, userData []byte) {
		_, _, _ = parse(userData)
		_, _, _ = parse(append([]byte("#cloud-config\n"), userData...))
	})
}

func FuzzVolume(f *testing.F) {
	f.Add(make([]byte, 512))
	f.Fuzz(func(t *testing.T, content []byte) {
		filesystem, label := volume(bytes.NewReader(content))
		assert.True(t, filesystem != "" || label == "")
	})
}
