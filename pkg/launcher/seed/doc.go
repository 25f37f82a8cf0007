// SPDX-License-Identifier: Apache-2.0

// Package seed makes the small ISO images that tell cloud-init in a guest what to do. It knows the two
// layouts, NoCloud and ConfigDrive. Where the contents come from, secrets too, is the agent's affair.
package seed
