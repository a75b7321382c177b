package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"drawbridge/server/dispatch"
)

// chatClient talks to a chat door, of this process or another.
type chatClient struct {
	base  string // ends before /v1
	key   string // none if empty
	agent string
	where string // for people
	http  *http.Client
	close func() error
}

// chatMessage is one message of a conversation, as the chat API has it.
type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// heard is one piece of an answer: what of it is there is set.
type heard struct {
	run             string // the run behind it
	words, activity string
	state           dispatch.State // how the run stands at the end
	reason          string
}

// ask puts the conversation to the agent and gives its answer piece by piece.
func (d *chatClient) ask(ctx context.Context, messages []chatMessage, give chan<- heard) error {
	response, err := d.do(ctx, http.MethodPost, "/v1/chat/completions", map[string]any{
		"model": d.agent, "messages": messages, "stream": true,
	})
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	hear := func(h heard) error {
		select {
		case give <- h:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := hear(heard{run: response.Header.Get("X-Drawbridge-Run")}); err != nil {
		return err
	}
	return readStream(response.Body, hear)
}

// chunk is what a stream of the door holds, as far as a terminal shows it.
type chunk struct {
	Choices []struct {
		Delta struct {
			Content   string `json:"content"`
			Refusal   string `json:"refusal"`
			Reasoning string `json:"reasoning_content"`
		} `json:"delta"`
	} `json:"choices"`
	Error      *struct{ Message string } `json:"error"`
	Drawbridge struct {
		Run    string         `json:"run"`
		State  dispatch.State `json:"state"`
		Reason string         `json:"reason"`
	} `json:"drawbridge"`
}

var errStreamCut = errors.New("the answer broke off; the run may go on, see: drawbridge runs list")

// readStream reads a stream of server-sent events to its [DONE].
func readStream(r io.Reader, hear func(heard) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		data, isData := bytes.CutPrefix(lines.Bytes(), []byte("data:"))
		data = bytes.TrimSpace(data)
		switch {
		case !isData:
			continue // a comment that keeps the connection alive, or the line between events
		case string(data) == "[DONE]":
			return nil
		}
		var c chunk
		if err := json.Unmarshal(data, &c); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		if c.Error != nil {
			return errors.New(c.Error.Message)
		}
		h := heard{run: c.Drawbridge.Run, state: c.Drawbridge.State, reason: c.Drawbridge.Reason}
		if len(c.Choices) > 0 {
			delta := c.Choices[0].Delta
			h.words, h.activity = delta.Content+delta.Refusal, delta.Reasoning
		}
		if err := hear(h); err != nil {
			return err
		}
	}
	return errors.Join(errStreamCut, lines.Err())
}

// cancel has a run cancelled. One that was quicker needs it no more.
func (d *chatClient) cancel(ctx context.Context, run string) error {
	response, err := d.do(ctx, http.MethodPost, "/v1/runs/"+url.PathEscape(run)+"/cancel", nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// agents lists whom the caller may talk to.
func (d *chatClient) agents(ctx context.Context) ([]string, error) {
	response, err := d.do(ctx, http.MethodGet, "/v1/models", nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var list struct{ Data []struct{ ID string } }
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&list); err != nil {
		return nil, fmt.Errorf("reading the list of agents: %w", err)
	}
	var names []string
	for _, model := range list.Data {
		names = append(names, model.ID)
	}
	return names, nil
}

// do sends a request and wants a 2xx; another answer's error is what the server says.
func (d *chatClient) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, d.base+path, text)
	if err != nil {
		return nil, wrongUse{err}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Drawbridge-Activity", "true")
	request.Header.Set("X-Drawbridge-On-Disconnect", "cancel")
	if d.key != "" {
		request.Header.Set("Authorization", "Bearer "+d.key)
	}
	response, err := d.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("talking to %s: %w", d.where, err)
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	raw, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // what there is of it has to do
	var refused struct{ Error struct{ Message string } }
	if json.Unmarshal(raw, &refused) != nil || refused.Error.Message == "" {
		refused.Error.Message = oneLine(string(raw), 200)
	}
	return nil, fmt.Errorf("%s answered %s: %s", d.where, strings.ToLower(response.Status), refused.Error.Message)
}
