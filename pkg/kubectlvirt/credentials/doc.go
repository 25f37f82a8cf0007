// SPDX-License-Identifier: Apache-2.0

// Package credentials holds the verb credentials of the kubectl plugin: keys and passwords in the Secrets that a
// machine's accessCredentials name. The guest's agent gives them to the guest's users.
package credentials
