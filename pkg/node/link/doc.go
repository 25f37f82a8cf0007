// SPDX-License-Identifier: Apache-2.0

// Package link is the hop from an API server to the agent of a node: mutual TLS, with each side sure of
// whom it talks to. Agents finds the agent of an instance's node and insists on that node's certificate;
// Server lets in only certificates that name an API server. A refusal crosses the hop as a Status.
//
// What crosses it is package streams' (consoles and the like) and package calls' (short requests). Who may
// ask for it is not decided here: the API server authorises its client.
package link
