package mcpmount_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/mcpmount/mcpmounttest"
)

// shelf is a source with the tools it is told to have, each of which says its description.
type shelf struct {
	mu    sync.Mutex
	tools map[string]string
	err   error
}

func (s *shelf) put(name, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tools[name] = description
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *shelf) List(context.Context) (list []mcpmount.SourceTool, leftOut []mcpmount.LeftOut, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, description := range s.tools {
		definition := fmt.Sprintf(`{"name":%q,"description":%q,"annotations":{"readOnlyHint":%v}}`, name, description, strings.HasPrefix(name, "get"))
		list = append(list, mcpmount.SourceTool{JSON: []byte(definition), Call: func(context.Context, json.RawMessage) (json.RawMessage, error) {
			return json.RawMessage(`{"content":[{"type":"text","text":"` + description + `"}]}`), nil
		}})
	}
	return list, []mcpmount.LeftOut{{Tool: "odd", Why: "it is odd"}}, s.err
}

// shelved runs a mount of a source, and tells of each offer.
func shelved(t *testing.T, s *shelf, book mcpmount.Book, change func(*mcpmount.Settings)) (*mcpmount.Mount, chan []tools.Tool) {
	t.Helper()
	offers := make(chan []tools.Tool, 100)
	settings := mcpmount.Settings{Name: "shop", Kind: "shelf", Source: s, Relist: 5 * time.Millisecond, TrustHints: true}
	if change != nil {
		change(&settings)
	}
	m, err := mcpmount.New(settings, mcpmount.Options{Book: book, Changed: func(list []tools.Tool) { offers <- list }})
	if err != nil {
		t.Fatal(err)
	}
	m.Hasten()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return m, offers
}

// until waits for an offer that names the tools so.
func until(t *testing.T, offers chan []tools.Tool, want string) []tools.Tool {
	t.Helper()
	for {
		select {
		case list := <-offers:
			var names []string
			for _, tool := range list {
				names = append(names, tool.Name+":"+string(tool.Effect))
			}
			if strings.Join(names, " ") == want {
				return list
			}
		case <-time.After(time.Minute):
			t.Fatalf("%q was never offered", want)
		}
	}
}

func TestSourceIsPinnedListedAgainAndCalledAsItWasAccepted(t *testing.T) {
	s := &shelf{tools: map[string]string{"get_a": "one", "put_b": "two"}}
	m, offers := shelved(t, s, mcpmounttest.NewBook(), func(set *mcpmount.Settings) {
		set.Aliases = func(definition json.RawMessage) []string {
			if strings.Contains(string(definition), `"put_b"`) {
				return []string{"POST /b"}
			}
			return nil
		}
		set.Effects = map[string]tools.Effect{"POST *": tools.Money}
	})
	list := until(t, offers, "shop__get_a:read shop__put_b:money")
	if raw, err := list[0].Call(t.Context(), nil); err != nil || !strings.Contains(string(raw), "one") {
		t.Errorf("got %s, %v", raw, err)
	}
	if st := m.Status(); st.Kind != "shelf" || len(st.LeftOut) != 1 || st.State != mcpmount.Ready {
		t.Errorf("status %+v", st)
	}
	s.put("get_a", "another")
	until(t, offers, "shop__put_b:money")
	if _, err := list[0].Call(t.Context(), nil); tools.CodeOf(err) != tools.Denied {
		t.Errorf("calling what was changed: %v", err)
	}
	if err := m.Accept(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	until(t, offers, "shop__get_a:read shop__put_b:money")
	if raw, err := list[0].Call(t.Context(), nil); err != nil || !strings.Contains(string(raw), "another") {
		t.Errorf("got %s, %v", raw, err)
	}
}

func TestSourceThatCannotBeListedAnyMoreStillTakesCalls(t *testing.T) {
	s := &shelf{tools: map[string]string{"get_a": "one"}}
	m, offers := shelved(t, s, nil, nil)
	list := until(t, offers, "shop__get_a:read")
	s.fail(errors.New("the document is away"))
	world{t: t, Mount: m}.eventually("the mistake is known", func() bool { return strings.Contains(m.Status().LastError, "away") })
	if _, err := list[0].Call(t.Context(), nil); err != nil || m.Status().State != mcpmount.Ready {
		t.Errorf("%v, %+v", err, m.Status())
	}
	s.fail(nil)
	world{t: t, Mount: m}.eventually("all is well again", func() bool { return m.Status().LastError == "" })
}

func TestCallsWaitForASourceAsForAServer(t *testing.T) {
	s := &shelf{tools: map[string]string{"get_a": "one"}, err: errors.New("not yet")}
	book := mcpmounttest.NewBook()
	first := &shelf{tools: map[string]string{"get_a": "one"}}
	_, offers := shelved(t, first, book, nil)
	until(t, offers, "shop__get_a:read") // now the book has it
	m, offers := shelved(t, s, book, nil)
	list := until(t, offers, "shop__get_a:read") // of the book
	done := make(chan error, 1)
	go func() {
		_, err := list[0].Call(t.Context(), nil)
		done <- err
	}()
	world{t: t, Mount: m}.eventually("it was tried", func() bool { return m.Status().Restarts > 0 })
	s.fail(nil)
	if err := <-done; err != nil {
		t.Errorf("the call that waited: %v", err)
	}
}

func TestSourceHasNeitherCommandNorURL(t *testing.T) {
	_, err := mcpmount.New(mcpmount.Settings{Name: "shop", Source: &shelf{}, URL: "https://example.com"}, mcpmount.Options{})
	if err == nil || !strings.Contains(err.Error(), "neither a command nor a url") {
		t.Errorf("got %v", err)
	}
}
