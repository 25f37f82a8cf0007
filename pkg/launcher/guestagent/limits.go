// SPDX-License-Identifier: Apache-2.0

package guestagent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxText is the most bytes of a text; what is longer is cut.
	maxText = 256
	// maxItems is the most items of a list; what follows is dropped.
	maxItems = 128
	// maxOutput of a command that is kept, in bytes; what follows is dropped.
	maxOutput = 4 << 10
)

// text is one line that is safe to show.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	var all string
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	*t = text(clean(all, maxText))
	return nil
}

// clean returns the first bytes of s, no more than limit, with what can't be shown on one line as blanks.
func clean(s string, limit int) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, cut(s, limit))
}

// cut returns the first whole characters of s, no more than limit bytes.
func cut(s string, limit int) string {
	if len(s) > limit {
		end := limit
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	return strings.ToValidUTF8(s, "?")
}

// list is decoded one item after the other, and no further than maxItems.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	first, err := decoder.Token()
	if err != nil {
		return err
	}
	if first == nil {
		return nil
	}
	if first != json.Delim('[') {
		return errors.New("no list where one is expected")
	}
	*l = nil
	for decoder.More() && len(*l) < maxItems {
		var item T
		if err := decoder.Decode(&item); err != nil {
			return err
		}
		*l = append(*l, item)
	}
	return nil
}

// output is what a command wrote, of which the beginning is kept.
type output string

// UnmarshalJSON implements json.Unmarshaler.
func (o *output) UnmarshalJSON(raw []byte) error {
	var encoded string
	if err := json.Unmarshal(raw, &encoded); err != nil {
		return err
	}
	if most := base64.StdEncoding.EncodedLen(maxOutput); len(encoded) > most {
		encoded = encoded[:most]
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	*o = output(cut(string(decoded), maxOutput))
	return nil
}
