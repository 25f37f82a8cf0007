// SPDX-License-Identifier: Apache-2.0

// Package oci finds a file in a container image, most often a disk: in a registry, in an OCI layout
// directory, or in an archive of one. The image is read once and as a stream, from its top layer down, and every byte that is
// used is checked against the digest that names it.
//
// What is trusted of an image is nothing: names, sizes and numbers are bounded, links are refused, no file
// is ever made from a name in it. What a disk itself holds is for packages probe and qcow2 to judge.
package oci
