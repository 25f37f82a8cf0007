// SPDX-License-Identifier: Apache-2.0

// Package validation says which objects of kubevirt.io are accepted. A refusal names the field by its path
// and says what is allowed there; the rules and causes are KubeVirt's where it has them.
//
// Everything that can be decided from the object alone is decided here. What needs other objects
// (whether a claim exists, whether the caller may read a Secret) is not.
package validation
