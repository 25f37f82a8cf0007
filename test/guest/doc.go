// SPDX-License-Identifier: Apache-2.0

// Package guest proves that the guest images of hack/ are what the other tests take
// them for: each is booted with plain QEMU and used as a person would, on its serial
// console. Nothing of the product takes part.
//
// The tests are all in files of tests; they need what hack/install-deps.sh installs
// for run and test.
package guest
