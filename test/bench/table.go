// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// figure is one line of the table.
type figure struct {
	row, what, unit string
	ours            samples
	// baseline was measured in turns with ours; where it can't be, stated is what is known of it.
	baseline samples
	stated   string
	// atMost is the goal: of the ratio where there is a baseline, else of ours. 0 is no goal.
	atMost float64
}

// judged is what the goal is held against.
func (f figure) judged() samples {
	if len(f.baseline) > 0 {
		return f.ours.over(f.baseline)
	}
	return f.ours
}

func (f figure) verdict() string {
	switch {
	case f.atMost == 0:
		return ""
	case f.judged().median() <= f.atMost:
		return "met"
	}
	return "MISSED"
}

func (f figure) cells() (baseline, ratio, goal string) {
	baseline = f.stated
	if len(f.baseline) > 0 {
		baseline, ratio = f.baseline.String(), f.ours.over(f.baseline).String()
	}
	if f.atMost > 0 {
		goal = "≤ " + fmt.Sprint(f.atMost)
	}
	if f.atMost > 0 && len(f.baseline) > 0 {
		goal += "×"
	}
	return baseline, ratio, goal
}

// printTable writes medians, with the least and the most in brackets.
func printTable(out io.Writer, figures []figure) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\n\tfigure\tunit\tours\tbaseline\tratio\tgoal\t\tn")
	for _, f := range figures {
		baseline, ratio, goal := f.cells()
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n",
			f.row, f.what, f.unit, f.ours, baseline, ratio, goal, f.verdict(), len(f.ours))
	}
	return table.Flush()
}
