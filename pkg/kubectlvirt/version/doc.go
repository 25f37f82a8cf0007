// SPDX-License-Identifier: Apache-2.0

// Package version holds the verb version of the kubectl plugin.
package version
