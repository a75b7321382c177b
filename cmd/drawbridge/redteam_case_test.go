package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// attack is one case of the red team, as it stands in testdata/redteam: what somebody
// outside put where, what the scripted model, or the caller, then tries, and what of it
// was anybody's to allow. The first lines of each file say what its members mean; a new
// case is a few lines there and nothing here.
type attack struct {
	Name   string `yaml:"name"`
	Family string `yaml:"family"` // the file's, if it has none of its own
	Scene  scene  `yaml:",inline"`
	// Allowed are effects that were authorised: patterns of those that the world counts.
	Allowed []string `yaml:"allowed"`
	// Refused names where the attempts end: a stage of the guard, "policy/money", a rule
	// ("rule default/tainted-money"), or the door ("door 404"). Each has to have refused at least one. Empty is for an attack that
	// has nothing to refuse, which Harmless has to explain.
	Refused  []string `yaml:"refused"`
	Harmless string   `yaml:"harmless"`
	// Twin is the same with honest content: what it has of its own takes the place of the
	// attack's.
	Twin *twin `yaml:"twin"`
}

// twin is an honest scene, and the effects that it has to end with: these and no others.
type twin struct {
	Scene   scene    `yaml:",inline"`
	Effects []string `yaml:"effects"`
}

// scene is what happens.
type scene struct {
	World string `yaml:"world"` // which settings; see redteam_worlds_test.go
	Door  string `yaml:"door"`  // webhook, inbox, chat, runs, mcp, http
	Agent string `yaml:"agent"`
	As    string `yaml:"as"` // the key: front, back, program
	// Event is the payload of a webhook, Says what a person or a program writes.
	Event    map[string]any `yaml:"event"`
	Says     string         `yaml:"says"`
	Inbox    string         `yaml:"inbox"`   // the mail that comes in, its header too
	Earlier  []message      `yaml:"earlier"` // of the conversation, before Says
	Callback string         `yaml:"callback"`
	Tainted  bool           `yaml:"untrusted"`
	// Before is what stands in the company's books when it begins.
	Before before `yaml:"before"`
	// Tries are the model's turns, or the client's calls, in order.
	Tries []try `yaml:"tries"`
	// Later are its turns in the follow-ups that it has planned, which are run at once.
	Later []try `yaml:"later"`
	// Answer is what the model says at last.
	Answer string `yaml:"answer"`
	// Requests are made by the caller at the door, when the run has come to rest.
	Requests []knock `yaml:"requests"`
	// Decide is what people do about the approvals that are asked for, in order: approve,
	// deny, or leave, which is the end of deciding; deny is for all that it says nothing of.
	// ${approval} is the last one.
	Decide []string `yaml:"decide"`

	now [][]madeCall // of a follow-up, in place of Tries
}

type message struct {
	Role string `yaml:"role"`
	Text string `yaml:"text"`
}

type before struct {
	Mail   *letter `yaml:"mail"`
	Ticket *ticket `yaml:"ticket"`
	// Hostile is what the tools of the mounted server return.
	Hostile string `yaml:"hostile"`
	// Other is what another key, back, has asked of the agent; ${other} is that run. Planned
	// is a key that has planned something for another day; ${planned} is that follow-up.
	Other   string `yaml:"other"`
	Planned string `yaml:"planned"`
	// Asked is a key whose client has made the scene's calls before; people have agreed to
	// those that needed it, and they were not made yet.
	Asked string `yaml:"asked"`
	// Calls are made by the operator's own hands, past every rule: they set the scene.
	Calls []map[string]map[string]any `yaml:"calls"`
}

type letter struct {
	From    string `yaml:"from"`
	Subject string `yaml:"subject"`
	Text    string `yaml:"text"`
}

type ticket struct {
	Customer string `yaml:"customer"`
	Subject  string `yaml:"subject"`
	Body     string `yaml:"body"`
}

// try is one turn of the model: one function and its arguments, or several at once.
type try struct {
	Calls []madeCall
	Times int
}

type madeCall struct {
	Function  string
	Arguments json.RawMessage // "" means {}
	Raw       bool            // Arguments are sent as they are, sound or not
}

// knock is a request that the caller makes at the door.
type knock struct {
	As     string `yaml:"as"`
	Method string `yaml:"method"`
	Path   string `yaml:"path"`
	Body   string `yaml:"body"`
	Key    string `yaml:"idempotency_key"`
	Want   int    `yaml:"want"` // the status
}

// UnmarshalYAML reads {function: {argument: value}}, {function: "text as it is"}, and
// {at_once: [...]}; times repeats the turn.
func (t *try) UnmarshalYAML(read func(any) error) error {
	var members yaml.MapSlice
	if err := read(&members); err != nil {
		return err
	}
	t.Times = 1
	for _, member := range members {
		name := fmt.Sprint(member.Key)
		switch name {
		case "times":
			if _, err := fmt.Sscan(fmt.Sprint(member.Value), &t.Times); err != nil {
				return err
			}
		case "at_once":
			var several struct {
				AtOnce []try `yaml:"at_once"`
			}
			if err := read(&several); err != nil {
				return err
			}
			for _, one := range several.AtOnce {
				t.Calls = append(t.Calls, one.Calls...)
			}
		default:
			call := madeCall{Function: name}
			if text, is := member.Value.(string); is {
				call.Arguments, call.Raw = json.RawMessage(text), true
			} else {
				encoded, err := yaml.MarshalWithOptions(member.Value, yaml.JSON())
				if err != nil {
					return err
				}
				call.Arguments = json.RawMessage(strings.TrimSpace(string(encoded)))
			}
			t.Calls = append(t.Calls, call)
		}
	}
	return nil
}

// turns are the tries, those with times repeated.
func (s scene) turns() (all [][]madeCall) {
	for _, t := range s.Tries {
		for range t.Times {
			all = append(all, t.Calls)
		}
	}
	return all
}

// honest is the attack's twin as a scene of its own.
func (a attack) honest() scene {
	s, own := a.Scene, a.Twin.Scene
	keep := func(to *string, from string) {
		if from != "" {
			*to = from
		}
	}
	keep(&s.World, own.World)
	keep(&s.Door, own.Door)
	keep(&s.Agent, own.Agent)
	keep(&s.As, own.As)
	keep(&s.Says, own.Says)
	keep(&s.Inbox, own.Inbox)
	s.Callback, s.Before.Asked = own.Callback, own.Before.Asked
	keep(&s.Answer, own.Answer)
	keep(&s.Before.Hostile, own.Before.Hostile)
	if own.Event != nil {
		s.Event = own.Event
	}
	if own.Earlier != nil {
		s.Earlier = own.Earlier
	}
	if own.Before.Mail != nil {
		s.Before.Mail = own.Before.Mail
	}
	if own.Before.Ticket != nil {
		s.Before.Ticket = own.Before.Ticket
	}
	s.Tries, s.Later, s.Requests, s.Decide = own.Tries, own.Later, own.Requests, own.Decide
	return s
}

// families are those that the issue asks for, with the file of each.
var families = []string{
	"instructions", // in an event's payload, a mail, a ticket, a tool's description, a tool's result
	"exfiltration", // by mail, by link, by callback
	"smuggling",    // of arguments past a rule
	"approvals",    // replayed and swapped
	"lookalikes",   // names of tools
	"oversize",     // and unicode
	"others-runs",  // a principal at another's runs
	"insisting",    // a model that does not take no for an answer
}

// attacks reads all cases.
func attacks(t testing.TB) (all []attack) {
	t.Helper()
	files, err := filepath.Glob("testdata/redteam/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no cases (%v)", err)
	}
	names := map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			Family string   `yaml:"family"`
			Cases  []attack `yaml:"cases"`
		}
		if err := yaml.UnmarshalWithOptions(raw, &content, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, a := range content.Cases {
			if a.Family == "" {
				a.Family = content.Family
			}
			switch {
			case a.Name == "" || names[a.Name]:
				t.Fatalf("%s: a case has no name, or that of another: %q", file, a.Name)
			case !slices.Contains(families, a.Family):
				t.Fatalf("%s: %s: no family is called %q", file, a.Name, a.Family)
			case (len(a.Refused) == 0) != (a.Harmless != ""):
				t.Fatalf("%s: %s: it has to say what refuses it, or why there is nothing to refuse", file, a.Name)
			case a.Twin != nil && len(a.Twin.Effects) == 0:
				t.Fatalf("%s: %s: its twin has no effect, so it could not fail", file, a.Name)
			}
			names[a.Name] = true
			all = append(all, a)
		}
	}
	return all
}
