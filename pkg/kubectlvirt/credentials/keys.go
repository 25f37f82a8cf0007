// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// publicKey is a line of authorized_keys. The same key may have other options and another comment elsewhere.
type publicKey struct {
	line, key string
}

// keyFlags say which keys a command is about.
type keyFlags struct {
	// File holds keys, one a line, and so does Value.
	File, Value string
}

func (k *keyFlags) addFlags(command *cobra.Command) {
	command.Flags().StringVarP(&k.File, "file", "f", k.File, "File with the public key, or - for standard input. It may hold several, one a line.")
	command.Flags().StringVar(&k.Value, "value", k.Value, "The public key itself.")
	command.MarkFlagsMutuallyExclusive("file", "value")
	// The flag is there, so this can't fail.
	_ = command.MarkFlagFilename("file")
}

func (k *keyFlags) validate() error {
	if k.File == "" && k.Value == "" {
		return errors.New("--file or --value is needed")
	}
	return nil
}

func (k *keyFlags) keys(o *common) ([]publicKey, error) {
	flag, text := "value", k.Value
	if k.Value == "" {
		flag = "file"
		var err error
		if text, err = o.read(flag, k.File); err != nil {
			return nil, err
		}
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return keys, nil
}

func parseKeys(text string) ([]publicKey, error) {
	if strings.Contains(text, "PRIVATE KEY-----") {
		return nil, errors.New("this is a private key, which stays with its owner; the public one is in the file beside it whose name ends in .pub")
	}
	var keys []publicKey
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || isComment(line) {
			continue
		}
		key := keyOf(line)
		if key == "" {
			return nil, fmt.Errorf("%.80q is no public key as ssh-keygen writes them", line)
		}
		keys = append(keys, publicKey{line, key})
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no public key in it")
	}
	return keys, nil
}

// keyOf is what makes the key of a line: the data that repeats the type before it. It is "" where there is none.
func keyOf(line string) string {
	if isComment(line) {
		return ""
	}
	words := strings.Fields(line)
	for i := 1; i < len(words); i++ {
		data, err := base64.StdEncoding.DecodeString(words[i])
		if err != nil || len(data) < 4 {
			continue
		}
		size, rest := uint64(binary.BigEndian.Uint32(data)), data[4:]
		if size < uint64(len(rest)) && string(rest[:size]) == words[i-1] {
			return words[i]
		}
	}
	return ""
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

// holds says whether one of the values has the key.
func holds(values map[string][]byte, key publicKey) bool {
	for _, value := range values {
		for line := range strings.Lines(string(value)) {
			if keyOf(line) == key.key {
				return true
			}
		}
	}
	return false
}

// missing are those of keys that no value has, one a line, each once.
func missing(values map[string][]byte, keys []publicKey) []byte {
	var lines []string
	seen := map[string]bool{}
	for _, key := range keys {
		if !seen[key.key] && !holds(values, key) {
			lines = append(lines, key.line)
		}
		seen[key.key] = true
	}
	return []byte(strings.Join(lines, "\n"))
}

// without are those of values that had one of keys, as they are without, or nil where nothing is left.
func without(values map[string][]byte, keys []publicKey) map[string][]byte {
	gone := map[string]bool{}
	for _, key := range keys {
		gone[key.key] = true
	}
	changed := map[string][]byte{}
	for name, value := range values {
		var kept strings.Builder
		for line := range strings.Lines(string(value)) {
			if !gone[keyOf(line)] {
				kept.WriteString(line)
			}
		}
		switch {
		case kept.Len() == len(value):
		case strings.TrimSpace(kept.String()) == "":
			changed[name] = nil
		default:
			changed[name] = []byte(kept.String())
		}
	}
	return changed
}
