// SPDX-License-Identifier: Apache-2.0

// Package kubectlvirt is the kubectl plugin: kubectl virt console, start, stop and the others. Verbs and flags
// are those of virtctl where it has them, so that either serves against either server.
//
// Each verb, or family of verbs, has a package with an options struct (Complete, Validate, Run); package
// machines is the client that they share. What kubectl does itself (get, describe, delete) is not here.
package kubectlvirt
