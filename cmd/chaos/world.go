package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// world is the nodes and all that is around them.
type world struct {
	options
	folder   string
	seed     *rand.Rand
	book     *book
	receiver *receiver
	gate     gate
	quiet    atomic.Bool // nothing goes wrong on the way any more
	server   http.Server
	database database
	nodes    []*node
	product  product
	sender   *sender
	nemesis  *nemesis
	desk     *desk
	began    time.Time
	saying   sync.Mutex
}

// say tells whoever watches, with the time since the beginning.
func (w *world) say(format string, args ...any) {
	w.saying.Lock()
	defer w.saying.Unlock()
	_, _ = fmt.Fprintf(w.progress, "%6s  %s\n", time.Since(w.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// newWorld makes everything, and starts nothing but the fakes.
func newWorld(ctx context.Context, o options, folder string) (*world, error) {
	w := &world{options: o, folder: folder, seed: rand.New(rand.NewPCG(o.seed, o.seed)), book: newBook(), began: time.Now()}
	w.receiver = newReceiver(w.quiet.Load)
	if err := w.furnish(ctx); err != nil {
		w.close()
		return nil, err
	}
	w.sender = newSender(fmt.Sprintf("%x", o.seed&0xffffff), w.balance())
	w.nemesis = &nemesis{nodes: w.nodes, database: w.database, book: w.book, say: w.say}
	w.desk = &desk{product: w.product, book: w.book, still: w.nemesis.still, say: w.say, decided: map[string]int{}}
	return w, nil
}

func (w *world) furnish(ctx context.Context) error {
	base, err := w.listen(ctx)
	if err != nil {
		return err
	}
	binary := w.binary
	if binary == "" {
		if binary, err = build(ctx, w.folder); err != nil {
			return err
		}
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	store, err := w.openStore(ctx)
	if err != nil {
		return err
	}
	for i := range w.options.nodes {
		n, err := newNode(fmt.Sprintf("n%d", i+1), binary, w.folder)
		if err != nil {
			return err
		}
		if err := writeSettings(n, store, base); err != nil {
			return err
		}
		w.nodes = append(w.nodes, n)
	}
	w.product = product{binary, w.nodes[0].settings}
	return nil
}

// listen serves the far side, the model and the receiver.
func (w *world) listen(ctx context.Context) (string, error) {
	far := newFarSide(w.book, w.quiet.Load)
	far.doubles = w.broken
	mux := http.NewServeMux()
	mux.Handle("/mcp", far)
	mux.Handle("/model/", http.StripPrefix("/model", &model{book: w.book, calm: w.quiet.Load, gate: &w.gate}))
	mux.Handle("/done", w.receiver)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("starting the fakes: %w", err)
	}
	w.server = http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = w.server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

// openStore gives the URL of the store, and starts what it needs.
func (w *world) openStore(ctx context.Context) (string, error) {
	if w.store == "sqlite" {
		return "sqlite://" + filepath.Join(w.folder, "drawbridge.db"), nil
	}
	pg, err := newPostgres(ctx)
	if err != nil {
		return "", err
	}
	w.database = pg
	return pg.url, nil
}

// balance stands before the nodes, as a load balancer that knows nothing of them: each
// sender begins at another one, and tries them all.
func (w *world) balance() func() []string {
	var next atomic.Int64
	return func() []string {
		first := int(next.Add(1))
		bases := make([]string, len(w.nodes))
		for i := range bases {
			bases[i] = w.nodes[(first+i)%len(w.nodes)].base
		}
		return bases
	}
}

// close ends whatever is still there.
func (w *world) close() {
	for _, n := range w.nodes {
		n.kill() // also one that is stopped
	}
	if w.database != nil {
		w.database.close()
		w.database = nil
	}
	_ = w.server.Close()
}

// eachNode does something to all nodes at the same time.
func (w *world) eachNode(do func(*node) error) error {
	errs := make([]error, len(w.nodes))
	var all sync.WaitGroup
	for i, n := range w.nodes {
		all.Go(func() { errs[i] = do(n) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// keep writes what a person needs to look into a violation.
func (w *world) keep(e *evidence, found []violation) error {
	for name, what := range map[string]any{"violations.json": found, "effects.json": e.Effects, "acknowledged.json": e.Acks, "callbacks.json": e.Told, "strikes.json": e.Strikes} {
		if err := writeJSON(filepath.Join(w.folder, name), what); err != nil {
			return err
		}
	}
	if w.database != nil {
		if err := w.database.log(filepath.Join(w.folder, "postgres.log")); err != nil {
			return err
		}
	}
	folder := filepath.Join(w.folder, "journals")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for _, v := range found {
		if v.Run == "" || len(e.Journals[v.Run]) == 0 {
			continue
		}
		if err := writeJSON(filepath.Join(folder, v.Run+".json"), e.Journals[v.Run]); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(path string, what any) error {
	raw, err := json.MarshalIndent(what, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}
