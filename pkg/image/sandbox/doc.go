// SPDX-License-Identifier: Apache-2.0

// Package sandbox takes from this process what a program that decodes images from strangers never needs: to gain
// rights, to start other programs, to open files but the few that tell how servers are reached, and the parts of the
// kernel that attackers like. What is open already stays usable. There is no way back, for no thread.
package sandbox
