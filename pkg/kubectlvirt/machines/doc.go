// SPDX-License-Identifier: Apache-2.0

// Package machines calls the actions of virtual machines, by the routes of subresources.kubevirt.io that
// every server of that API has, and finds out what to tell a user when one is refused.
package machines
