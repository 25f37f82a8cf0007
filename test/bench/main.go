// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// row is one line of what the design promises, as one or more figures.
type row struct {
	name   string
	rounds int
	run    func(ctx context.Context, b *bench) ([]figure, error)
}

var rows = []row{
	{"P1", 10, measureStart},
	{"P2", 5, measureWrites},
	{"P3", 2, measureStored},
	{"P4", 3, measurePerMachine},
	{"P5", 3, measureMany},
}

// bench is what every row is told.
type bench struct {
	options options
	rounds  int
}

type options struct {
	bin      string
	dir      string
	profiles string
	port     int
	rounds   int
	stored   int
	machines int
	many     int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o options
	wanted := flag.String("rows", "P1,P2,P3,P4,P5", "rows to measure")
	flag.StringVar(&o.bin, "bin", "bin", "directory of the programs")
	flag.StringVar(&o.dir, "dir", "/var/tmp", "directory below which servers keep their data; guests must be let through to it")
	flag.StringVar(&o.profiles, "profiles", "", "directory for the server's heap profiles before and after P3 stores machines; none if empty")
	flag.IntVar(&o.port, "port", 17991, "port that the server listens on, at 127.0.0.1")
	flag.IntVar(&o.rounds, "rounds", 0, "rounds of each row; 0 is what suits the row")
	flag.IntVar(&o.stored, "stored", 2000, "machines that P3 stores")
	flag.IntVar(&o.machines, "machines", 10, "machines that P4 runs")
	flag.IntVar(&o.many, "many", 20, "machines that P5 starts at once")
	flag.Parse()

	chosen, err := choose(*wanted)
	if err != nil {
		return err
	}
	fmt.Println(describeHost())
	var figures []figure
	for _, r := range chosen {
		rounds := r.rounds
		if o.rounds > 0 {
			rounds = o.rounds
		}
		fmt.Fprintf(os.Stderr, "bench: %s, %d rounds\n", r.name, rounds)
		measured, err := r.run(ctx, &bench{options: o, rounds: rounds})
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		for i := range measured {
			measured[i].row = r.name
		}
		figures = append(figures, measured...)
	}
	return printTable(os.Stdout, figures)
}

func choose(wanted string) ([]row, error) {
	var chosen []row
	for name := range strings.SplitSeq(wanted, ",") {
		i := slices.IndexFunc(rows, func(r row) bool { return strings.EqualFold(r.name, strings.TrimSpace(name)) })
		if i < 0 {
			return nil, fmt.Errorf("there is no row %q; rows are P1 to P5", name)
		}
		chosen = append(chosen, rows[i])
	}
	return chosen, nil
}
