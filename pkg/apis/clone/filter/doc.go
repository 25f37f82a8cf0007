// SPDX-License-Identifier: Apache-2.0

// Package filter chooses which labels and annotations a clone takes from its source.
package filter
