// SPDX-License-Identifier: Apache-2.0

// Package calls carries short requests about a guest (pause it, ask its agent) from the API server to the
// launcher and brings the answers back:
//
//	API server ── HTTPS, mutual TLS ── node's agent ── unix socket ── launcher
//
// Dialer is the API server's side of the first hop, Handle the agent's, and Local takes the place of both
// where the launcher is on the same machine. Dialer and Local answer the same call, with the actions and
// bodies of package launcher/api:
//
//	Call(ctx, vmi, api.ActionPause, nil, nil) error
//
// A call is meant for the very instance: where a domain of the name is an earlier or a later one's, by its
// UID, the launcher refuses. Errors are API errors, to be handed to the client as they are: 404 where there
// is no such guest, 409 where its state forbids the call or it is another instance's, 400 for what it can't
// do ever, 503 where the node, its launcher or a free place is missing, 504 where no answer came in time.
//
// The hop itself and who may cross it is package link's; raw byte streams are package streams'.
package calls
