// SPDX-License-Identifier: Apache-2.0

// Package guest holds the verbs guestosinfo, userlist and fslist of the kubectl plugin: what the agent in a guest
// tells of it.
package guest
