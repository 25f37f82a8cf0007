// SPDX-License-Identifier: Apache-2.0

// Package vnc holds the verb vnc of the kubectl plugin, and vnc screenshot: a guest's screen in a viewer that
// is installed here, or behind a local port, or as a picture.
package vnc
