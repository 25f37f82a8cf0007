// SPDX-License-Identifier: Apache-2.0

// Package source describes where an image comes from and checks the
// description. It is light on purpose: API validation and the importer share
// it. Fetching lives in package httpsource.
package source
