// SPDX-License-Identifier: Apache-2.0

package patch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

const (
	// MaxOperations is how many operations a clone may ask for.
	MaxOperations = 64
	// MaxOperation is how many bytes an operation may have.
	MaxOperation = 64 << 10
	// MaxCopied is how many bytes all copy operations may copy together. Without it each could double the document.
	MaxCopied = 64 << 10
	// maxDepth bounds paths and the nesting of values: each level of a path costs a pass over what is below it.
	// No field of a machine is that deep.
	maxDepth = 32
)

// Check returns what is wrong with the text of one operation.
func Check(text string) error {
	_, err := parse(text)
	return err
}

// Apply returns the document with the operations done to it, in their order.
func Apply(document []byte, texts []string) ([]byte, error) {
	operations := make(jsonpatch.Patch, 0, len(texts))
	for i, text := range texts {
		operation, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
		operations = append(operations, operation)
	}
	options := jsonpatch.NewApplyOptions()
	options.AccumulatedCopySizeLimit = MaxCopied
	patched, err := operations.ApplyWithOptions(document, options)
	var tooMuch *jsonpatch.AccumulatedCopySizeError
	if errors.As(err, &tooMuch) {
		return nil, fmt.Errorf("its copy operations copy more than %d bytes", MaxCopied)
	}
	return patched, err
}

func parse(text string) (jsonpatch.Operation, error) {
	if len(text) > MaxOperation {
		return nil, fmt.Errorf("an operation has at most %d bytes", MaxOperation)
	}
	if err := checkDepth(text); err != nil {
		return nil, err
	}
	operations, err := jsonpatch.DecodePatch([]byte("[" + text + "]"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("no operation of JSON Patch: %w", err)
	case len(operations) != 1:
		return nil, errors.New("has to be one operation of JSON Patch")
	}
	return operations[0], checkMembers(operations[0])
}

// checkMembers asks for what the library does not.
func checkMembers(operation jsonpatch.Operation) error {
	if _, has := operation["value"]; !has && operation.Kind() == "test" {
		return errors.New("no operation of JSON Patch: a test needs a value")
	}
	for name, get := range map[string]func() (string, error){"path": operation.Path, "from": operation.From} {
		if _, has := operation[name]; !has {
			continue
		}
		path, err := get()
		if err != nil {
			return fmt.Errorf("no operation of JSON Patch: %s: %w", name, err)
		}
		if err := checkPath(name, path); err != nil {
			return err
		}
	}
	return nil
}

func checkPath(name, path string) error {
	switch {
	case !strings.HasPrefix(path, "/"):
		return fmt.Errorf("%s must name a member of the machine, such as /metadata/labels/app", name)
	case strings.Count(path, "/") > maxDepth:
		return fmt.Errorf("%s has at most %d parts", name, maxDepth)
	}
	return nil
}

// checkDepth refuses a value that is nested deeper than any of a machine.
func checkDepth(text string) error {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	for depth := 0; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("no operation of JSON Patch: %w", err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth > maxDepth {
			return fmt.Errorf("its value is nested deeper than %d levels", maxDepth)
		}
	}
}
