// SPDX-License-Identifier: Apache-2.0

// Package coverage tells which fields of KubeVirt's types the product's own types hold, by reflection over both. A
// field is known by the path that it has in JSON, where [] stands for each member of a list and {} for each of a map.
//
// The file held.txt lists the paths that are held, so that none is lost unseen: run "make compatibility" after a
// change of the types.
package coverage
