// SPDX-License-Identifier: Apache-2.0

// Package datavolume is the control loop of DataVolumes: each is given a claim of its name, and when that is
// bound the claim is filled, as often as it takes.
//
// The phases, conditions, progress and events are upstream's. Other than upstream's, a failure that the same
// source will meet again (a wrong checksum, an image that is too large, something that is no image) ends in
// phase Failed; all others are tried again for ever, and show in the Running condition and the restarts. Its
// reasons are the few that clients know, with our own finer ones in the message. A
// DataVolume that succeeded stays. Deleting its claim has the claim made and filled anew.
//
// Who transfers is not here: see package workload. Secrets are read here, with the controller's own rights,
// and are only passed on: that whoever made the DataVolume may read them is decided when it is written.
package datavolume
