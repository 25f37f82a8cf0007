// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	logsapi "k8s.io/component-base/logs/api/v1"
)

func TestFlagsBringNoSecretsIntoTheLog(t *testing.T) {
	assert.NoError(t, checkVerbosity(&logsapi.LoggingConfiguration{Verbosity: 7}))
	assert.ErrorContains(t, checkVerbosity(&logsapi.LoggingConfiguration{Verbosity: 8}), "--v: verbosity 8")
	assert.ErrorContains(t, checkVerbosity(&logsapi.LoggingConfiguration{
		VModule: logsapi.VModuleConfiguration{{FilePattern: "request", Verbosity: 9}},
	}), "--vmodule: request")
}
