// SPDX-License-Identifier: Apache-2.0

// Package etcd runs etcd inside this process, for one process: a single member that nobody outside the
// data directory can reach, tuned for a small host.
//
// Everything lies in one directory, of mode 0700:
//
//	lock         held while a server runs; names its process
//	version      minor version of etcd that wrote the data
//	data         etcd's own directory
//	reserve      room that the database takes when the file system is full
//	client.sock  gRPC; with http.sock (health, metrics) and peer.sock the only ways in
//
// What is stored, and its compaction, is the API server's business and not here.
package etcd
