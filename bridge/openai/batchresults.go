package openai

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	wire "github.com/sashabaranov/go-openai"
)

// BatchResult is what came of one question of a batch. It has an answer, or else what
// went wrong.
type BatchResult struct {
	ID      string // the question's
	Answer  *Answer
	Failure *Error
	// Expired and Cancelled: nobody came to the question before the batch was over.
	Expired, Cancelled bool
}

const (
	mostResults = 4 << 30  // bytes of a file of results: 50,000 long answers are below that
	mostResult  = 64 << 20 // bytes of one
)

// Results reads a file of results, its lines one after the other; an error of each ends
// it. A line that makes no sense is a result without an id. Answers cost off percent less than
// the prices say.
func (b *Batches) Results(ctx context.Context, model, file string, off int, each func(BatchResult) error) error {
	m := b.of(model)
	var own error
	err := b.aside(ctx, model, side{most: mostResults}, func(ctx context.Context, api *wire.Client) error {
		content, err := api.GetFileContent(ctx, file)
		if err != nil {
			return err
		}
		defer func() { _ = content.Close() }()
		lines := bufio.NewScanner(content)
		lines.Buffer(nil, mostResult)
		for lines.Scan() {
			if len(lines.Bytes()) == 0 {
				continue
			}
			if own = each(m.result(lines.Bytes(), off)); own != nil {
				return own
			}
		}
		return lines.Err()
	})
	if own != nil {
		return own
	}
	return err
}

// result reads one line of a file of results.
func (m *model) result(raw []byte, off int) BatchResult {
	var line struct {
		ID       string `json:"custom_id"`
		Response *struct {
			Status int             `json:"status_code"`
			Body   json.RawMessage `json:"body"`
		} `json:"response"`
		Error *serverSaid `json:"error"`
	}
	if err := json.Unmarshal(raw, &line); err != nil {
		return BatchResult{}
	}
	out := BatchResult{ID: line.ID}
	var err error
	var answer Answer
	switch {
	case line.Error != nil && line.Error.is("batch_expired"):
		out.Expired = true
		return out
	case line.Error != nil && line.Error.is("batch_cancelled"):
		out.Cancelled = true
		return out
	case line.Error != nil && *line.Error != serverSaid{}:
		err = line.Error
	case line.Response == nil:
		err = io.ErrUnexpectedEOF
	case line.Response.Status != http.StatusOK:
		said := saidIn(line.Response.Body)
		err = &said
		if !said.withheld() {
			out.Failure = m.client.refused(m.endpointName, nil, line.Response.Status, said)
			return out
		}
	default:
		answer, err = m.answerIn(line.Response.Body)
	}
	switch {
	case err == nil:
	case withheld(err):
		answer = Answer{Model: m.endpointName, Finish: FinishFiltered}
	default:
		out.Failure = m.client.unanswered(m.endpointName, err)
		return out
	}
	out.Answer = m.priced(answer.withUsage(Request{}), off)
	return out
}

// answerIn reads an answer that came in one piece.
func (m *model) answerIn(body json.RawMessage) (Answer, error) {
	reading := m.client.read(m.client, Request{Model: m.endpointName})
	if err := reading.add("", body); err != nil {
		return Answer{}, err
	}
	return reading.answer()
}

// unanswered explains an answer that is none.
func (c *Client) unanswered(model string, err error) *Error {
	var said *serverSaid
	switch {
	case errors.As(err, &said):
		return c.refused(model, nil, said.status(), *said)
	case errors.Is(err, errNoChoice):
		return transientError(EmptyChoices, err.Error())
	}
	return transientError(Unreadable, "the model server's answer cannot be read: "+c.clean(err.Error()))
}

// priced is the answer as its model's, with what it cost: off percent less than the
// prices say, rounded up.
func (m *model) priced(a Answer, off int) *Answer {
	a.By = m.name
	if m.prices != nil {
		a.Cost, a.Currency = (m.prices.Cost(a.Usage)*int64(100-off)+99)/100, m.Currency
	}
	return &a
}

// Response gives a response of the Responses API, word for word: go-openai's type would
// lose some of it. One that is not there, because it was not stored or is too old, is
// [NoSuchModel].
func (b *Batches) Response(ctx context.Context, model, id string) (json.RawMessage, error) {
	var copy bytes.Buffer
	err := b.aside(ctx, model, side{most: maxEvent, copy: &copy}, func(ctx context.Context, api *wire.Client) error {
		_, err := api.RetrieveResponse(ctx, id)
		if whole := copy.Bytes(); unreadable(err) && json.Valid(whole) {
			return nil // it has more forms than go-openai knows
		}
		return err
	})
	return copy.Bytes(), err
}
