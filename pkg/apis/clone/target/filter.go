// SPDX-License-Identifier: Apache-2.0

package target

import (
	"maps"
	"regexp"
	"strings"
)

// filtered returns a copy of what the filters let through. A key passes when one filter matches it and none with
// a "!" does; with no filters all do.
func filtered(from map[string]string, filters []string) map[string]string {
	if len(filters) == 0 {
		return maps.Clone(from)
	}
	var wanted, unwanted []*regexp.Regexp
	for _, filter := range filters {
		expression, negated := strings.CutPrefix(filter, "!")
		if filter == "*" {
			expression = ""
		}
		compiled, err := regexp.Compile(expression)
		switch {
		case err != nil: // validation refuses it
		case negated:
			unwanted = append(unwanted, compiled)
		default:
			wanted = append(wanted, compiled)
		}
	}
	var passed map[string]string
	for key, value := range from {
		if !matches(wanted, key) || matches(unwanted, key) {
			continue
		}
		if passed == nil {
			passed = map[string]string{}
		}
		passed[key] = value
	}
	return passed
}

func matches(expressions []*regexp.Regexp, key string) bool {
	for _, expression := range expressions {
		if expression.MatchString(key) {
			return true
		}
	}
	return false
}
