// SPDX-License-Identifier: Apache-2.0

// Command seed sets up the small test guest from the seed that its machine was
// given: a volume labelled cidata (NoCloud) or config-2 (ConfigDrive). It does in
// the test guest what cloud-init does in a distribution, for the few keys that
// tests and first steps use, in some milliseconds.
//
// A seed is applied once for each instance-id; what it says to run at every boot
// runs at every boot. Commands of runcmd are only written down here: the guest's
// boot script runs them when the network is up.
//
// Making seeds is not done here; that is the product's.
package main
