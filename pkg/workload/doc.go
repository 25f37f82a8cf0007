// SPDX-License-Identifier: Apache-2.0

// Package workload is the seam between the two ways to run: it says who runs a launcher or an importer.
// The controllers know only its interfaces; processes (standalone) and pods (a cluster) implement them.
// What a launcher or an importer does is not here: see packages launcher and image.
package workload
