// SPDX-License-Identifier: Apache-2.0

// Package ssh holds the verbs ssh and scp of the kubectl plugin: the OpenSSH client that is installed here, whose
// connection is this plugin's port-forward.
package ssh
