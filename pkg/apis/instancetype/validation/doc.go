// SPDX-License-Identifier: Apache-2.0

// Package validation says what is wrong with instance types and preferences: first with what only they have,
// then with a machine that refers to them, so that whatever is accepted can be used.
package validation
