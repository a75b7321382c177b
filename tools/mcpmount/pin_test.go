package mcpmount_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/mcpmount/mcpmounttest"
)

// offers collects what Changed is told.
type offers struct {
	mu    sync.Mutex
	lists []string
}

func (o *offers) changed(list []tools.Tool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var names []string
	for _, tool := range list {
		names = append(names, tool.Name+":"+tool.Description)
	}
	o.lists = append(o.lists, strings.Join(names, " "))
}

func (o *offers) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lists, " | ")
}

func (w world) changes() {
	w.t.Helper()
	if _, err := w.call(w.t.Context(), "shop__echo", "change"); err != nil {
		w.t.Fatal(err)
	}
}

func TestChangedAndNewDefinitionsAreHeldUntilAccepted(t *testing.T) {
	var told offers
	w := start(t, onStdio("ordinary"), mcpmount.Options{Book: mcpmounttest.NewBook(), Changed: told.changed}).ready()
	act := w.tool("shop__act")
	w.changes()
	w.eventually("two tools are held", func() bool { return len(w.Status().Held) == 2 })
	if got := w.names(); got != "shop__echo" {
		t.Errorf("it still offers %q", got)
	}
	if _, err := act.Call(t.Context(), nil); tools.CodeOf(err) != tools.Denied || !strings.Contains(err.Error(), "drawbridge tools accept shop__act") {
		t.Errorf("calling the changed tool: %v", err)
	}
	for _, h := range w.Status().Held {
		if h.Tool == "shop__act" && (h.Was.Hash == "" || h.Was.Hash == h.Is.Hash || !strings.Contains(string(h.Is.JSON), "Version 2")) {
			t.Errorf("held %+v", h)
		}
		if h.Tool == "shop__grown" && (h.Was.Hash != "" || !strings.Contains(h.Why, "new")) {
			t.Errorf("held %+v, which was never accepted", h)
		}
	}
	never := mcpmount.Held{Tool: "shop__never", Is: mcpmount.Definition{Tool: "never"}}
	if err := w.Accept(t.Context(), []mcpmount.Held{w.held("shop__act"), never}); err == nil || len(w.Status().Held) != 2 {
		t.Errorf("accepting a tool that is not there: %v", err)
	}
	other := w.held("shop__act")
	other.Is.Hash = other.Was.Hash
	if err := w.Accept(t.Context(), []mcpmount.Held{other}); err == nil || len(w.Status().Held) != 2 {
		t.Errorf("accepting a definition that changed since it was shown: %v", err)
	}
	if err := w.Accept(t.Context(), []mcpmount.Held{w.held("shop__act")}); err != nil || w.names() != "shop__act shop__echo" {
		t.Errorf("after accepting one: %q, %v", w.names(), err)
	}
	if err := w.Accept(t.Context(), nil); err != nil || w.names() != "shop__act shop__echo shop__grown" {
		t.Errorf("after accepting all: %q, %v", w.names(), err)
	}
	if _, err := act.Call(t.Context(), nil); err != nil {
		t.Errorf("calling the accepted tool: %v", err)
	}
	want := "shop__act:Version 1. shop__echo:Says it back. | shop__echo:Says it back. | shop__act:Version 2. shop__echo:Says it back. | shop__act:Version 2. shop__echo:Says it back. shop__grown:New."
	if told.String() != want {
		t.Errorf("told\n%s, want\n%s", &told, want)
	}
	if n := strings.Count(w.log.String(), "held a tool back"); n != 2 {
		t.Errorf("%d warnings of held tools, want one each", n)
	}
}

func TestServerThatDoesNotListAgainAtOnceIsKept(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	if _, err := w.call(t.Context(), "shop__act", "change and be busy"); err != nil {
		t.Fatal(err)
	}
	w.eventually("the changes are seen", func() bool { return len(w.Status().Held) == 2 })
	if s := w.Status(); s.Restarts != 0 || !strings.Contains(w.log.String(), "trying again later") || strings.Contains(w.log.String(), "hunter2") {
		t.Errorf("status %+v, log:\n%s", s, w.log)
	}
}

func TestAcceptingAllForgetsToolsThatAreGone(t *testing.T) {
	book := mcpmounttest.NewBook()
	gone := mcpmount.Definition{Tool: "gone", JSON: []byte(`{}`)}
	if err := book.Keep(t.Context(), "shop", []mcpmount.Definition{gone}, nil); err != nil {
		t.Fatal(err)
	}
	w := start(t, onStdio("ordinary"), mcpmount.Options{Book: book}).ready()
	kept := func() string {
		definitions, err := book.Definitions(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, d := range definitions {
			names = append(names, d.Tool)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	if err := w.Accept(t.Context(), []mcpmount.Held{w.held("shop__act")}); err != nil || kept() != "act gone" {
		t.Errorf("after accepting one, %q are kept, %v", kept(), err)
	}
	if err := w.Accept(t.Context(), nil); err != nil || kept() != "act echo" {
		t.Errorf("after accepting all, %q are kept, %v", kept(), err)
	}
}

func TestTrustedChangesAreOfferedAndRecorded(t *testing.T) {
	s := onStdio("ordinary")
	s.TrustChanges = true
	book := mcpmounttest.NewBook()
	if err := book.Keep(t.Context(), "shop", []mcpmount.Definition{{Tool: "old"}}, nil); err != nil {
		t.Fatal(err)
	}
	w := start(t, s, mcpmount.Options{Book: book}).ready()
	w.changes()
	w.eventually("it offers three tools", func() bool { return w.names() == "shop__act shop__echo shop__grown" })
	kept, err := book.Definitions(t.Context(), "shop")
	if err != nil || len(kept) != 3 {
		t.Errorf("%d definitions are kept, %v; want those of the server", len(kept), err)
	}
}

func TestAcceptedToolsAreOfferedBeforeTheServerIsUp(t *testing.T) {
	book := mcpmounttest.NewBook()
	first := prepare(t, onStdio("ordinary"), mcpmount.Options{Book: book})
	stop := first.run()
	first.ready()
	stop()

	forged := mcpmount.Definition{Tool: "forged", Hash: strings.Repeat("0", 64), JSON: []byte(`{"name":"forged"}`)}
	if err := book.Keep(t.Context(), "shop", []mcpmount.Definition{forged}, nil); err != nil {
		t.Fatal(err)
	}
	s := onStdio("hang at start")
	s.CallTimeout = 50 * time.Millisecond
	w := start(t, s, mcpmount.Options{Book: book})
	w.eventually("the known tools are offered", func() bool { return w.names() == "shop__act shop__echo" })
	if s := w.Status(); s.State != mcpmount.Starting || len(s.Held) > 0 {
		t.Errorf("status %+v", s)
	}
	if said := w.refuses("shop__act", "nothing", tools.Unavailable); !strings.Contains(said, "nothing was changed") {
		t.Errorf("it says %q", said)
	}
}

func TestCallsWaitForTheConnection(t *testing.T) {
	book := mcpmounttest.NewBook()
	first := prepare(t, onStdio("ordinary"), mcpmount.Options{Book: book})
	stop := first.run()
	first.ready()
	stop()
	w := start(t, onStdio("ordinary"), mcpmount.Options{Book: book})
	w.eventually("the known tools are offered", func() bool { return w.names() != "" })
	if _, err := w.call(t.Context(), "shop__act", "nothing"); err != nil {
		t.Error(err)
	}
}

// A run that a crash broke off goes on in the moment in which the program is back.
func TestRememberedToolsAreThereBeforeAnythingRuns(t *testing.T) {
	book := mcpmounttest.NewBook()
	first := prepare(t, onStdio("ordinary"), mcpmount.Options{Book: book})
	stop := first.run()
	first.ready()
	stop()
	w := prepare(t, onStdio("ordinary"), mcpmount.Options{Book: book})
	if err := w.Remember(t.Context()); err != nil || w.names() != "shop__act shop__echo" {
		t.Fatalf("it offers %q (%v)", w.names(), err)
	}
	answered := make(chan error)
	go func() {
		_, err := w.call(t.Context(), "shop__act", "nothing")
		answered <- err
	}()
	w.run()
	if err := <-answered; err != nil {
		t.Errorf("a call from before the start: %v", err)
	}
}

func TestServerThatChangedBetweenStartsIsHeld(t *testing.T) {
	book := mcpmounttest.NewBook()
	tampered := mcpmount.Definition{Tool: "act", Hash: strings.Repeat("0", 64), JSON: []byte(`{"name":"act","description":"Other text."}`)}
	if err := book.Keep(t.Context(), "shop", []mcpmount.Definition{tampered}, nil); err != nil {
		t.Fatal(err)
	}
	w := start(t, onStdio("ordinary"), mcpmount.Options{Book: book}).ready()
	if w.names() != "" || len(w.Status().Held) != 2 {
		t.Errorf("it offers %q; status %+v", w.names(), w.Status())
	}
	// Another process accepts.
	var add []mcpmount.Definition
	for _, h := range w.Status().Held {
		add = append(add, h.Is)
	}
	if err := book.Keep(t.Context(), "shop", add, nil); err != nil {
		t.Fatal(err)
	}
	w.eventually("it has seen the word in the book", func() bool { return w.names() == "shop__act shop__echo" })
}

func TestUnreadableBookOffersNothing(t *testing.T) {
	book := mcpmounttest.NewBook()
	book.Break(errors.New("disk gone"))
	w := start(t, onStdio("ordinary"), mcpmount.Options{Book: book})
	<-w.Settled()
	if s := w.Status(); w.names() != "" || !strings.Contains(s.LastError, "disk gone") {
		t.Errorf("it offers %q; status %+v", w.names(), s)
	}
	book.Break(nil)
	w.ready()
	if w.names() != "shop__act shop__echo" {
		t.Errorf("once the book is mended it offers %q", w.names())
	}
}

func TestIncludeNarrowsWhatIsOfferedAndNotWhatIsPinned(t *testing.T) {
	s := onStdio("ordinary")
	s.Include = []string{"a*"}
	book := mcpmounttest.NewBook()
	w := start(t, s, mcpmount.Options{Book: book}).ready()
	kept, err := book.Definitions(t.Context(), "shop")
	if w.names() != "shop__act" || len(kept) != 2 || err != nil {
		t.Errorf("it offers %q and keeps %d definitions, %v", w.names(), len(kept), err)
	}
}

func TestAmbiguousAndUnreadableEntriesAreLeftOut(t *testing.T) {
	w := start(t, onStdio("duplicates"), mcpmount.Options{}).ready()
	if w.names() != "shop__b" {
		t.Errorf("it offers %q", w.names())
	}
	if got := fmt.Sprint(w.Status().LeftOut); len(w.Status().LeftOut) != 4 ||
		!strings.Contains(got, "{a the server lists it more than once") || !strings.Contains(got, "{number 5 of the list its definition is no JSON object}") {
		t.Errorf("left out: %s", got)
	}
}

func TestOddDefinitionsAreOfferedUnderLegalNames(t *testing.T) {
	w := start(t, onStdio("garbage"), mcpmount.Options{}).ready()
	if len(w.Tools()) != 6 {
		t.Fatalf("it offers %q; status %+v", w.names(), w.Status())
	}
	if got := string(w.tool("shop__yes").Input); got != "true" {
		t.Errorf("a schema of true became %s", got)
	}
	if got := string(w.tool("shop__null").Input); got != `{"type":"object"}` {
		t.Errorf("no schema became %s", got)
	}
	for _, tool := range w.Tools() {
		if strings.HasPrefix(tool.Name, "shop__has_spaces") {
			raw, err := tool.Call(t.Context(), nil)
			if err != nil || !strings.Contains(string(raw), `"name":"has spaces/ü"`) {
				t.Errorf("calling it: %s, %v; want its own name sent", raw, err)
			}
		}
	}
}
