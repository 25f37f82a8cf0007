// SPDX-License-Identifier: Apache-2.0

// Command fields writes the reference of the fields of a machine, as a table in Markdown, from the OpenAPI
// definitions that are generated from the types.
package main
