// SPDX-License-Identifier: Apache-2.0

package guestagent

import "encoding/base64"

// SetAuthorizedKeys makes keys the ones, and the only ones, with which a user of the guest can log in by
// SSH. It takes an agent of version 5.2 or newer.
func (a *Agent) SetAuthorizedKeys(user string, keys []string) error {
	return a.ask(answerTime, "guest-ssh-add-authorized-keys", map[string]any{"username": user, "keys": keys, "reset": true}, nil)
}

// SetPassword of a user of the guest.
func (a *Agent) SetPassword(user, password string) error {
	encoded := base64.StdEncoding.EncodeToString([]byte(password))
	return a.ask(answerTime, "guest-set-user-password", map[string]any{"username": user, "password": encoded, "crypted": false}, nil)
}
