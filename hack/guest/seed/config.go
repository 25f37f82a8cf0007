// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// config is the part of cloud-config that the guest understands.
type config struct {
	Hostname   string      `json:"hostname"`
	FQDN       string      `json:"fqdn"`
	User       user        `json:"user"`
	Password   text        `json:"password"`
	Chpasswd   chpasswd    `json:"chpasswd"`
	SSHPwauth  any         `json:"ssh_pwauth"` // passwords are always taken
	SSHKeys    keys        `json:"ssh_authorized_keys"`
	Users      []user      `json:"users"`
	WriteFiles []writeFile `json:"write_files"`
	Bootcmd    []command   `json:"bootcmd"`
	Runcmd     []command   `json:"runcmd"`

	// script is the whole of a user-data that is a program, not a cloud-config.
	script []byte
}

type chpasswd struct {
	Expire any      `json:"expire"` // passwords never expire here
	List   userList `json:"list"`
	Users  []struct {
		Name     string `json:"name"`
		Password text   `json:"password"`
	} `json:"users"`
}

type writeFile struct {
	Path        string `json:"path"`
	Content     string `json:"content"`
	Encoding    string `json:"encoding"`
	Permissions text   `json:"permissions"`
	Owner       string `json:"owner"`
	Append      bool   `json:"append"`
}

// parse decodes user-data and names the keys that are not understood.
func parse(userData []byte) (parsed config, unknown []string, err error) {
	userData = bytes.TrimLeft(userData, "\ufeff \t\r\n")
	head, _, _ := bytes.Cut(userData, []byte("\n"))
	head = bytes.TrimRight(head, " \t\r")
	switch {
	case len(userData) == 0:
		return config{}, nil, nil
	case bytes.HasPrefix(head, []byte("#!")):
		return config{script: userData}, nil, nil
	case string(head) != "#cloud-config":
		return config{}, nil, fmt.Errorf("user-data begins with %q; it must begin with #cloud-config or #!", head)
	}
	if err := yaml.Unmarshal(userData, &parsed); err != nil {
		return config{}, nil, fmt.Errorf("decode user-data: %w", err)
	}
	return parsed, unknownKeys(userData), nil
}

func unknownKeys(userData []byte) []string {
	var all, known map[string]json.RawMessage
	if yaml.Unmarshal(userData, &all) != nil {
		return nil
	}
	understood, err := json.Marshal(config{})
	if err != nil || json.Unmarshal(understood, &known) != nil {
		return nil
	}
	var unknown []string
	for key := range all {
		if _, ok := known[key]; !ok {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// hostname is the first part of the name: the guest has no use for a domain.
func (c config) hostname(fromMeta string) string {
	name, _, _ := strings.Cut(first(c.Hostname, c.FQDN, fromMeta), ".")
	return name
}
