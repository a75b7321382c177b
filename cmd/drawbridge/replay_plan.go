package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/replay"
	"drawbridge/bridge/selection"
	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
	"drawbridge/server/egress"
	"drawbridge/server/mcpserver"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/restmount"
)

// storedRun is what a replay takes out of the store, once, before it begins.
type storedRun struct {
	run       dispatch.Run
	recording *replay.Recording
	tools     []tools.Tool // all that are defined, of which none can be called
}

// storedRunOf reads a run, and the definitions that were accepted of mounted servers. The
// store is opened to be read, and closed again.
func storedRunOf(ctx context.Context, cfg, as *config.Config, id string) (storedRun, error) {
	store, err := openStoreOf(ctx, cfg, state.ReadOnly)
	if err != nil {
		return storedRun{}, err
	}
	stored, err := readStoredRun(ctx, store, id)
	if err == nil {
		stored.tools, err = definedTools(ctx, as, store)
	}
	return stored, errors.Join(err, store.Close())
}

func readStoredRun(ctx context.Context, store *state.Store, id string) (storedRun, error) {
	run, err := store.Run(ctx, id)
	if err != nil {
		return storedRun{}, fmt.Errorf("%w; `drawbridge runs list` shows which there are", err)
	}
	if !run.EmptiedAt.IsZero() {
		return storedRun{}, fmt.Errorf("run %s cannot be replayed: its prompt, answer and journal were removed at %s, past their retention or by somebody", id, when(run.EmptiedAt))
	}
	entries, err := store.Entries(ctx, id)
	if err != nil {
		return storedRun{}, err
	}
	recording, err := replay.Read(id, entries)
	if errors.Is(err, replay.ErrNothing) {
		return storedRun{}, fmt.Errorf("run %s is %s and cannot be replayed: it has no journal, since it has not begun, or ended before it did", id, run.State)
	}
	return storedRun{run: run, recording: recording}, err
}

// definedTools are all tools of the settings: those of the families, and those that were
// accepted of mounted servers and APIs, none of which is started, asked or read.
func definedTools(ctx context.Context, cfg *config.Config, book mcpmount.Book) ([]tools.Tool, error) {
	all := slices.Clone(definitions(cfg.Tools).All())
	for _, server := range cfg.Tools.MCP {
		accepted, err := mcpmount.Accepted(ctx, mountSettings(server), book)
		if err != nil {
			return nil, err
		}
		all = append(all, accepted...)
	}
	for _, s := range cfg.Tools.OpenAPI {
		api, err := restmount.New(apiSettings(s), restmount.Options{Reach: func(...string) http.RoundTripper { return nowhere{} }})
		if err != nil {
			return nil, err
		}
		accepted, err := mcpmount.Accepted(ctx, apiMount(s, api), book)
		if err != nil {
			return nil, err
		}
		all = append(all, accepted...)
	}
	return all, nil
}

// replayPlan says what a run is replayed with.
type replayPlan struct {
	brief   bridge.Brief
	tools   []bridge.Tool
	asks    bool // a model
	agent   string
	changed []replayChange
	offered replayFunctions
	notes   []string
}

// replayChange is something that is put in otherwise.
type replayChange struct {
	What     string `json:"what"`
	Recorded string `json:"recorded"`
	Replayed string `json:"replayed"`
}

// replayFunctions says how the functions stand to those that the run began with.
type replayFunctions struct {
	Count int `json:"count"`
	// AsThen: every definition is what it was, to the last byte.
	AsThen bool     `json:"as_then"`
	Gone   []string `json:"gone,omitempty"`
	New    []string `json:"new,omitempty"`
}

// planReplay works out what the flags mean for this run.
func (c *console) planReplay(ctx context.Context, as *config.Config, stored storedRun, f replayWith, bounds bridge.Budget) (replayPlan, error) {
	was := stored.recording.Brief()
	plan := replayPlan{brief: was, agent: was.Agent, asks: f.changes() && !f.fromJournal}
	var err error
	if f.agent != "" || f.agentsFrom != "" {
		err = plan.asAgent(ctx, as, stored, cmp.Or(f.agent, stored.run.Agent))
	} else {
		err = plan.asItWas(ctx, stored)
	}
	if err != nil {
		return plan, err
	}
	if f.hasPrompt {
		text, err := f.text(c)
		if err != nil {
			return plan, err
		}
		plan.brief = withPrompt(plan.brief, text)
	}
	if f.model != "" {
		if err := plan.askModel(as, f.model); err != nil {
			return plan, err
		}
	}
	if err := plan.checkCost(as, bounds); err != nil {
		return plan, err
	}
	plan.brief.Budget = within(plan.brief.Budget, bounds)
	plan.changed = changedBrief(was, plan.brief)
	return plan, nil
}

// asItWas has the run keep what its brief says, and gives it the functions that it had, as
// they are defined now.
func (p *replayPlan) asItWas(ctx context.Context, stored storedRun) error {
	had := stored.recording.Functions()
	for function, tool := range functionsOf(stored.tools).Names {
		if had[function] {
			i := slices.IndexFunc(stored.tools, func(t tools.Tool) bool { return t.Name == tool })
			if err := p.offer(stored.tools[i]); err != nil {
				return err
			}
		}
	}
	now, err := briefOf(ctx, bridge.Options{}, bridge.Task{Session: bridge.Recorded(p.tools, nil)})
	p.compareFunctions(stored, now)
	return err
}

// asAgent has it be carried as an agent is configured now, with the functions that it has.
func (p *replayPlan) asAgent(ctx context.Context, as *config.Config, stored storedRun, name string) error {
	if _, err := pickAgent(as, name); err != nil {
		return err
	}
	agent, run := as.Agents[name], stored.run
	p.agent, run.Tainted = name, p.brief.Tainted
	within := p.bounds(as, run)
	may := auth.Principal{Effects: agent.Effects}.Acting("", within)
	for _, t := range stored.tools {
		if tools.Match(agent.Tools, t.Name) && (within.Tools == nil || tools.Match(within.Tools, t.Name)) && may.MayEffect(string(t.Effect)) {
			if err := p.offer(t); err != nil {
				return err
			}
		}
	}
	task := bridge.Task{Agent: dispatch.For(run, agentOf(name, agent, modelChoice{cfg: as, rehearsed: rehearsedIn(as, false)})),
		Prompt: p.brief.Prompt, Conversation: p.brief.Conversation, Tainted: p.brief.Tainted, Session: bridge.Recorded(p.tools, nil)}
	if agent.InBatches() {
		task.Later = func(openai.Request) {}
	}
	o := bridge.Options{Limits: selection.Limits{Functions: as.Model.MaxFunctions, Tokens: as.Model.FunctionTokens}}
	now, err := briefOf(ctx, o, task)
	if err != nil {
		return fmt.Errorf("beginning the run as agent %q: %w", name, err)
	}
	p.brief = now
	p.compareFunctions(stored, now)
	return nil
}

// bounds are what a run may do for its trigger, as it is configured now. What one that is
// gone allowed nobody knows.
func (p *replayPlan) bounds(as *config.Config, run dispatch.Run) auth.Bounds {
	trigger := triggerOf(run)
	within, err := triggersOf(as, nil).bounds(trigger)
	if err != nil {
		p.notes = append(p.notes, trigger+", for whom the run acts, is not configured now: the agent has all of its own tools here")
	}
	return within
}

// briefOf is what a new run would know about itself.
func briefOf(ctx context.Context, o bridge.Options, task bridge.Task) (bridge.Brief, error) {
	var brief bridge.Brief
	e, err := bridge.New(nil, o).Brief(ctx, task)
	if err == nil {
		err = json.Unmarshal(e.Body, &brief)
	}
	return brief, err
}

// offer adds a tool, as an agent's session would read it of the list.
func (p *replayPlan) offer(t tools.Tool) error {
	raw, err := mcpserver.Listed(t)
	if err != nil {
		return fmt.Errorf("listing the tool %q: %w", t.Name, err)
	}
	read, err := bridge.ParseTool(raw)
	p.tools = append(p.tools, read)
	return err
}

// compareFunctions holds the functions of now against those of then. An answer that comes
// later has none.
func (p *replayPlan) compareFunctions(stored storedRun, now bridge.Brief) {
	then := stored.recording.Functions()
	own := func(name string) bool { return name == "read_result" || name == selection.FindToolsName }
	has := map[string]bool{}
	for _, name := range slices.Concat(now.Functions, now.LeftOut) {
		has[name] = true
		if !then[name] && !own(name) {
			p.offered.New = append(p.offered.New, name)
		}
		if !own(name) {
			p.offered.Count++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(then)) {
		if !has[name] && !own(name) {
			p.offered.Gone = append(p.offered.Gone, name)
		}
	}
	p.offered.AsThen = now.FunctionsHash == stored.recording.Brief().FunctionsHash || len(then) == 0 && p.offered.Count == 0
}

// withPrompt is a brief with another prompt or, in a conversation, with other last words of
// the user.
func withPrompt(b bridge.Brief, text string) bridge.Brief {
	if b.Conversation == nil {
		b.Prompt = text
		return b
	}
	talk := *b.Conversation
	talk.Messages = slices.Clone(talk.Messages)
	said := openai.Message{Role: openai.User, Content: text}
	for i := range slices.Backward(talk.Messages) {
		if talk.Messages[i].Role == openai.User {
			said.Name, talk.Messages[i] = talk.Messages[i].Name, said
			b.Conversation = &talk
			return b
		}
	}
	talk.Messages = append(talk.Messages, said)
	b.Conversation = &talk
	return b
}

// askModel has one model be asked, and no other in its place.
func (p *replayPlan) askModel(as *config.Config, name string) error {
	known := append(slices.Sorted(maps.Keys(as.Models)), as.Model.Name, config.RehearsalModel)
	if !slices.Contains(known, name) {
		return wrongUse{fmt.Errorf("there is no model %q: there are %s", name, strings.Join(known, ", "))}
	}
	e := as.EndpointOf(name)
	p.brief = p.brief.For([]string{name}, e.Window, e.Images, e.TakesFiles())
	return nil
}

// checkCost refuses a bound on the cost that would bound nothing.
func (p *replayPlan) checkCost(as *config.Config, bounds bridge.Budget) error {
	if !p.asks || bounds.Cost == 0 {
		return nil
	}
	if bounds.Currency != as.Model.Currency {
		return wrongUse{fmt.Errorf("--max-cost is in %s, and the prices of models are in %s (model.currency)", bounds.Currency, as.Model.Currency)}
	}
	for _, name := range append([]string{p.brief.Model}, p.brief.Fallback...) {
		_, priced := as.Model.Prices[name]
		if _, there := as.Model.Prices[as.EndpointOf(name).Name]; !priced && !there {
			return wrongUse{fmt.Errorf("--max-cost: no price is known for model %q; set model.prices", name)}
		}
	}
	return nil
}

// within is a budget with none of its bounds above those of another. One in another
// currency takes the place of a bound on the cost.
func within(b, most bridge.Budget) bridge.Budget {
	b.Turns, b.Calls, b.Tokens, b.Wall = lower(b.Turns, most.Turns), lower(b.Calls, most.Calls), lower(b.Tokens, most.Tokens), lower(b.Wall, most.Wall)
	if b.Currency == most.Currency {
		b.Cost = lower(b.Cost, most.Cost)
	} else if most.Cost > 0 {
		b.Cost, b.Currency = most.Cost, most.Currency
	}
	return b
}

// lower is the lower of two bounds, of which 0 is none.
func lower[N int | int64 | time.Duration](a, b N) N {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// replayModel is who answers. The rehearsal model is served on this machine for as long as
// it takes.
func replayModel(ctx context.Context, as *config.Config, brief bridge.Brief, rules *egress.Rules, log *slog.Logger) (bridge.Model, func(), error) {
	names := append([]string{brief.Model}, brief.Fallback...)
	if slices.Contains(names, config.RehearsalModel) {
		address, stop, err := rehearseModel(ctx)
		if err != nil {
			return nil, nil, err
		}
		settings := append(modelSettings(as), rehearsalSetting(address))
		return newModels(as, settings, rules, log), func() { _ = stop(ctx) }, nil
	}
	if !slices.ContainsFunc(names, func(name string) bool { return canAnswer(as.EndpointOf(name)) }) {
		return nil, nil, wrongUse{fmt.Errorf("there is no key for %s: set OPENAI_API_KEY, give the model a key, or let the recorded answers be given (--from-journal)", strings.Join(names, ", "))}
	}
	return newModels(as, modelSettings(as), rules, log), func() {}, nil
}
