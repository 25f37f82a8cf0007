// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"strings"
)

const (
	// maxSize is how many instructions an expression may have: "(.{1000}){70}" is short and has many.
	maxSize = 1024
	// maxWork is how many instructions all expressions may be for all bytes of keys together.
	maxWork = 1 << 24
)

// Check returns what is wrong with a filter.
func Check(filter string) error {
	if filter == "*" {
		return nil
	}
	expression := strings.TrimPrefix(filter, "!")
	switch {
	case expression == "":
		return errors.New(`a filter is "*", a regular expression for keys, or one after a "!"`)
	case strings.Contains(expression, "!"):
		return errors.New("cannot contain a negation character (!); NegationChar can be only used at the beginning of the filter")
	case strings.Contains(filter[:len(filter)-1], "*"):
		return errors.New("cannot contain a wildcard character (*); WildcardChar can be only at the end of the filter")
	}
	size, err := sizeOf(expression)
	if err == nil && size > maxSize {
		err = fmt.Errorf("is too large an expression: it repeats too much, at most %d instructions are allowed", maxSize)
	}
	return err
}

// sizeOf returns how many instructions an expression has.
func sizeOf(expression string) (int, error) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return 0, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, err
	}
	return len(program.Inst), nil
}

// Apply returns a copy of what the filters let through. A key passes when one filter matches it and none with a "!"
// does; with no filters all do. It refuses what would take long.
func Apply(ctx context.Context, from map[string]string, filters []string) (map[string]string, error) {
	if len(filters) == 0 {
		return maps.Clone(from), nil
	}
	chosen, err := compile(filters)
	if err != nil {
		return nil, err
	}
	var bytes int
	for key := range from {
		bytes += len(key) + 1
	}
	if bytes*chosen.size > maxWork {
		return nil, fmt.Errorf("the source has %d bytes of keys, which are too many for these filters; give fewer or simpler ones", bytes)
	}
	var passed map[string]string
	for key, value := range from {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !matches(chosen.wanted, key) || matches(chosen.unwanted, key) {
			continue
		}
		if passed == nil {
			passed = map[string]string{}
		}
		passed[key] = value
	}
	return passed, nil
}

// compiled are filters and the sum of their sizes.
type compiled struct {
	wanted, unwanted []*regexp.Regexp
	size             int
}

func compile(filters []string) (compiled, error) {
	var all compiled
	for _, filter := range filters {
		expression, negated := strings.CutPrefix(filter, "!")
		if filter == "*" {
			expression = ""
		}
		size, err := sizeOf(expression)
		if err != nil {
			return all, err
		}
		all.size += size
		matcher, err := regexp.Compile(expression)
		if err != nil {
			return all, err
		}
		if negated {
			all.unwanted = append(all.unwanted, matcher)
		} else {
			all.wanted = append(all.wanted, matcher)
		}
	}
	return all, nil
}

func matches(expressions []*regexp.Regexp, key string) bool {
	for _, expression := range expressions {
		if expression.MatchString(key) {
			return true
		}
	}
	return false
}
