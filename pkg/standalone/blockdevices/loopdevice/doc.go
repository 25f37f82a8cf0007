// SPDX-License-Identifier: Apache-2.0

// Package loopdevice makes block devices out of files, for the tests of what needs some. That takes root.
package loopdevice
