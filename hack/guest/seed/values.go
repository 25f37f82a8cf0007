// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// text is a string that the author may have left unquoted, such as a password 1234.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var value string
	if json.Unmarshal(raw, &value) == nil {
		*t = text(value)
		return nil
	}
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		return fmt.Errorf("want a string, not %s", raw)
	}
	*t = text(raw)
	return nil
}

// keys are SSH public keys: one string, a list, or a map from names to either.
type keys []string

func (k *keys) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*k = split(one)
		return nil
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		*k = list
		return nil
	}
	var named map[string]keys
	if err := json.Unmarshal(raw, &named); err != nil {
		return fmt.Errorf("want SSH public keys, not %s", raw)
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		*k = append(*k, named[name]...)
	}
	return nil
}

// userList is "name:password" by line, or as a list.
type userList []string

func (l *userList) UnmarshalJSON(raw []byte) error {
	var lines string
	if json.Unmarshal(raw, &lines) == nil {
		*l = split(lines)
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// command is a line for the shell, or a program with its arguments.
type command string

func (c *command) UnmarshalJSON(raw []byte) error {
	var line string
	if json.Unmarshal(raw, &line) == nil {
		*c = command(line)
		return nil
	}
	var words []text
	if err := json.Unmarshal(raw, &words); err != nil {
		return fmt.Errorf("a command must be a string or a list of strings, not %s", raw)
	}
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = "'" + strings.ReplaceAll(string(word), "'", `'\''`) + "'"
	}
	*c = command(strings.Join(quoted, " "))
	return nil
}

// user is a name, or a map that says more.
type user struct {
	Name       string `json:"name"`
	PlainText  text   `json:"plain_text_passwd"`
	Passwd     text   `json:"passwd"`
	HashedPass text   `json:"hashed_passwd"`
	SSHKeys    keys   `json:"ssh_authorized_keys"`
}

func (u *user) UnmarshalJSON(raw []byte) error {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		*u = user{Name: name}
		return nil
	}
	type plain user
	return json.Unmarshal(raw, (*plain)(u))
}

// password is plain, or a hash as crypt(3) makes it.
func (u user) password() string {
	return first(string(u.PlainText), string(u.Passwd), string(u.HashedPass))
}

func split(lines string) []string {
	return strings.FieldsFunc(lines, func(r rune) bool { return r == '\n' || r == '\r' })
}
