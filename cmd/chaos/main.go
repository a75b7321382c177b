// Command chaos runs Drawbridge as its users do, breaks whatever can break under it, and
// counts what was lost and what happened twice. Anything but nothing is a bug.
//
// It sees Drawbridge from outside: processes, HTTP, commands, and what `drawbridge export`
// writes. A sender posts signed webhooks to nodes behind nothing but their addresses
// (sender.go). A far side, which the nodes mount over MCP, is CRM, payments and mail, and
// counts effects by the key of the call (farside.go, book.go); a model asks for what plan.go
// says; a receiver takes the callbacks. All of them are slow at times, and break connections
// before and after something was done. The nemesis kills nodes with -9, stops and continues
// them, deploys them anew, and takes PostgreSQL away (nemesis.go); what it does follows from
// the seed, when exactly it hits does not.
//
// Then it heals everything, waits for the end of all that was begun, and judges (check.go):
//
//   - what was acknowledged is stored, under the id that was told;
//   - each stored event has one run, which succeeded or is dead;
//   - no key has two effects, and no step of the model's has effects under two keys;
//   - each effect is that of a stored run's intent, and what a journal has as done was done;
//   - no run went on past a call of unknown outcome without having looked, or asked the
//     person at the desk (desk.go), who knows what the far side has done;
//   - journals are gapless, with one result a call, and an outcome at the end;
//   - the runs of a subject went one at a time, in the order in which they came;
//   - each end was told, under one id, and signed;
//   - no run is leased in the end, and every place that a run can have is free;
//   - no run stood still for longer than --failover after its node was struck, if nothing
//     else was away meanwhile.
//
// A failover is the time from the kill of a node to the next entry in the journal of each run
// that it was at work on: those of which the model or the far side heard from that node
// last. With no other node there it counts from the start of the next one.
//
// The exit code is 0 if all of this holds, 1 if something does not (what is needed to look
// into it is kept in a folder), and 2 if it could not be tried.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are what can be set.
type options struct {
	binary, store, dir string
	nodes              int
	lasts, patience    time.Duration
	failover           time.Duration
	seed               uint64
	rate               float64
	asJSON, keepAll    bool
	broken             bool
	progress           io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run gives the exit code.
func run(ctx context.Context, args []string, out, progress io.Writer) int {
	o, err := parse(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		var whole bool
		if whole, err = try(ctx, o, out); err == nil && whole {
			return 0
		} else if err == nil {
			return 1
		}
	}
	_, _ = fmt.Fprintln(progress, "chaos:", err)
	return 2
}

func parse(args []string, progress io.Writer) (options, error) {
	o := options{progress: progress}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.StringVar(&o.binary, "binary", "", "the drawbridge to run; built from here if not given")
	flags.StringVar(&o.store, "store", "sqlite", "sqlite or postgres")
	flags.IntVar(&o.nodes, "nodes", 0, "how many nodes; 1 on sqlite, 3 on postgres if not given")
	flags.DurationVar(&o.lasts, "for", 2*time.Minute, "how long it takes in all; a node is stopped for an eighth of it at most, and for a minute")
	flags.DurationVar(&o.patience, "patience", 5*time.Minute, "how long to wait for the end of everything once nothing is broken any more")
	flags.DurationVar(&o.failover, "failover", 30*time.Second, "how long a run may stand still after its node was killed or stopped; aimed at is half of that, and this machine may be busy")
	flags.Uint64Var(&o.seed, "seed", 0, "repeats the faults of an earlier run; by chance if 0")
	flags.Float64Var(&o.rate, "rate", 10, "events a second")
	flags.StringVar(&o.dir, "dir", "", "an empty folder for stores, logs and findings; a temporary one if not given")
	flags.BoolVar(&o.keepAll, "keep", false, "keep the folder though everything holds")
	flags.BoolVar(&o.asJSON, "json", false, "print JSON")
	flags.BoolVar(&o.broken, "break", false, "a far side that does not honour keys: this has to find duplicates")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	return o, o.complete(flags.Args())
}

func (o *options) complete(rest []string) error {
	if o.nodes == 0 {
		o.nodes = map[string]int{"sqlite": 1, "postgres": 3}[o.store]
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()>>1 + 1
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q: there are no arguments but flags", rest)
	case o.store != "sqlite" && o.store != "postgres":
		return fmt.Errorf("--store %q: expected sqlite or postgres", o.store)
	case o.nodes < 1 || o.nodes > 9 || o.store == "sqlite" && o.nodes > 1:
		return fmt.Errorf("--nodes %d: expected 1 on sqlite, 1 to 9 on postgres", o.nodes)
	case o.lasts < 10*time.Second:
		return fmt.Errorf("--for %s: expected 10s or more", o.lasts)
	case o.patience <= 0 || o.failover <= 0 || o.rate <= 0 || o.rate > 1000:
		return errors.New("--patience, --failover and --rate: expected more than 0, and a rate of 1000 at most")
	}
	return nil
}

// try does it all, and reports whether everything holds.
func try(ctx context.Context, o options, out io.Writer) (bool, error) {
	folder, err := folderOf(o.dir)
	if err != nil {
		return false, err
	}
	w, err := newWorld(ctx, o, folder)
	if err != nil {
		return false, err
	}
	defer w.close()
	w.say("seed %d, folder %s", o.seed, folder)
	e, err := w.sortie(ctx)
	if err != nil {
		return false, fmt.Errorf("%w (logs are in %s)", err, folder)
	}
	found := append(check(e), slow(takeovers(e), o.failover)...)
	r := newReport(e, found)
	r.Store, r.Nodes, r.Seed, r.Lasted = o.store, o.nodes, o.seed, time.Since(w.began)
	if len(found) > 0 || o.keepAll {
		r.Folder = folder
		err = w.keep(e, found)
	} else {
		w.close()
		err = os.RemoveAll(folder)
	}
	if err != nil {
		return false, err
	}
	if o.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return len(found) == 0, encoder.Encode(r)
	}
	r.print(out)
	return len(found) == 0, nil
}

func folderOf(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "drawbridge-chaos-")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 {
		return "", fmt.Errorf("--dir %s: it is not empty", dir)
	}
	return dir, os.MkdirAll(dir, 0o700)
}
