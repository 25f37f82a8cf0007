// SPDX-License-Identifier: Apache-2.0

// Package beneath opens files below directories that somebody trusted has chosen, at paths that somebody
// else has. No symbolic link is followed on the way, and nothing outside is reached. What is done with the
// files is not here.
package beneath
