// SPDX-License-Identifier: Apache-2.0

// Package pki keeps the certificates of a server that stands alone: its own authority, the certificate that
// it serves with, and the administrator's, which goes out in a kubeconfig. The authority is made once; what
// it signs is renewed. Who may do what with a certificate is not here: see package auth.
package pki
