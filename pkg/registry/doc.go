// SPDX-License-Identifier: Apache-2.0

// Package registry holds the storage of the API's resources: pkg/registry/<group>/<resource> has a
// resource's strategy, storage, table and actions. Rules about what an object may hold are in
// pkg/apis/<group>/validation; what happens after an object is stored is in pkg/controller.
package registry
