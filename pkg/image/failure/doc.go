// SPDX-License-Identifier: Apache-2.0

// Package failure holds the one error type with which filling a volume fails:
// a reason that controllers copy into a condition, a message for people, and
// whether another attempt can help. It depends on little,
// so that every stage of the pipeline, and whoever reads its outcome, can use it.
package failure
