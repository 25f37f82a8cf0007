// SPDX-License-Identifier: Apache-2.0

// Package volumes holds the verbs addvolume and removevolume of the kubectl plugin. What a guest's disks are made of
// is the server's.
package volumes
