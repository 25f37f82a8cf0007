// SPDX-License-Identifier: Apache-2.0

// Package streams carries the raw byte streams of guests (console, screen, ports) from a client to the launcher:
//
//	client ── WebSocket ── API server ── WebSocket, mutual TLS ── node's agent ── unix socket ── launcher
//
// Both WebSockets speak the subprotocol plain.kubevirt.io: binary messages whose boundaries mean nothing.
// Socket is one end of such a WebSocket, Bridge joins a Socket to the stream behind it, Handle is the
// agent's side of the middle hop, Dialer is the API server's, and Local takes the place of both where the
// launcher is on the same machine. Dialer and Local answer the same call:
//
//	Open(ctx, vmi, "console") (net.Conn, error)
//
// Their errors are API errors, to be handed to the client as they are: 400 while the guest does not run
// (clients ask again), 404 where there is no such guest, 409 where another instance has its name by now, 503 where the node, its launcher or a free place
// is missing.
//
// The hop itself and who may cross it is package link's; short requests are package calls'.
package streams
