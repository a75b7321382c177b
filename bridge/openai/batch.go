package openai

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	wire "github.com/sashabaranov/go-openai"
)

// What OpenAI takes of one batch (API reference, "Create batch", input_file_id).
const (
	MostBatchRequests = 50_000
	MostBatchBytes    = 200_000_000
)

// Batches has models answer many questions at once, within a day and for less: by
// OpenAI's Batch API, at the endpoint of the model asked.
//
// Each question is a line ([Batches.Line]) of a file that is uploaded, and a batch is
// made of the file. Once that is over, its results are read by the questions' ids, in
// whatever order they come. Errors are [Error]s, as those of [Models] are, or the
// context's own.
type Batches struct{ models *Models }

// Batches are those of the models.
func (m *Models) Batches() *Batches { return &Batches{m} }

// of is the model of a name, the default one for "".
func (b *Batches) of(name string) *model { return b.models.model(cmp.Or(name, b.models.fallback.Name)) }

// BatchStatus is how far a batch has come.
type BatchStatus string

const (
	BatchCompleted BatchStatus = "completed"
	BatchFailed    BatchStatus = "failed" // it was not taken: nothing in it was asked
	BatchExpired   BatchStatus = "expired"
	BatchCancelled BatchStatus = "cancelled"
)

// Over reports whether nothing more comes of the batch.
func (s BatchStatus) Over() bool {
	switch s {
	case BatchCompleted, BatchFailed, BatchExpired, BatchCancelled:
		return true
	}
	return false
}

// Batch is a batch at the provider.
type Batch struct {
	ID     string
	Status BatchStatus
	// Output and Errors are the files with its results, "" if there is none.
	Output, Errors string
	// Problems say why it was not taken.
	Problems []BatchProblem
}

// BatchProblem is something wrong with a batch's file.
type BatchProblem struct {
	Code, Message string
	Line          int // from 1; 0 if it is about the whole
}

// Passing reports whether the same file may be taken another time: only the account's
// limit of tokens that wait in batches was in the way.
func (p BatchProblem) Passing() bool {
	return p.Code == "token_limit_exceeded" || p.Code == "rate_limit_exceeded"
}

// batchMark is the member of a batch's metadata by which we know it again.
const batchMark = "drawbridge_batch"

// Line is a question as a line of a batch's file, under an id of the caller's. All
// lines of a file have to be for one model.
func (b *Batches) Line(id string, r Request) ([]byte, error) {
	m := b.of(r.Model)
	r.Model, r.Fallback, r.whole = m.endpointName, nil, true
	body, err := m.client.body(m.client, r)
	if err != nil {
		return nil, unsendable(err)
	}
	w := newWriter()
	w.raw("{")
	w.member("custom_id", id)
	w.member("method", http.MethodPost)
	w.member("url", m.client.endpoint)
	w.raw(`"body":`)
	for _, piece := range body {
		w.raw(string(piece))
	}
	w.raw("}")
	return w.done()
}

// line is a line that is written already.
type line []byte

func (l line) MarshalBatchLineItem() []byte { return l }

// Upload sends a file of lines, and gives its id.
func (b *Batches) Upload(ctx context.Context, model, name string, lines [][]byte) (file string, err error) {
	request := wire.UploadBatchFileRequest{FileName: name + ".jsonl"}
	for _, l := range lines {
		request.Lines = append(request.Lines, line(l))
	}
	err = b.aside(ctx, model, side{}, func(ctx context.Context, api *wire.Client) error {
		made, err := api.UploadBatchFile(ctx, request)
		file = made.ID
		return err
	})
	return file, named(err, file)
}

// named refuses an answer that names nothing.
func named(err error, id string) error {
	if err == nil && id == "" {
		return transientError(Unreadable, "the model server's answer cannot be read: it has no id")
	}
	return err
}

// Create makes a batch of an uploaded file. It costs money each time: after an error
// that does not say that nothing was made, [Batches.Find] tells by the mark.
func (b *Batches) Create(ctx context.Context, model, file, mark string) (made Batch, err error) {
	err = b.aside(ctx, model, side{}, func(ctx context.Context, api *wire.Client) error {
		response, err := api.CreateBatch(ctx, wire.CreateBatchRequest{InputFileID: file, Endpoint: b.of(model).client.endpoint,
			CompletionWindow: "24h", Metadata: map[string]any{batchMark: mark}})
		made = batchOf(response.Batch)
		return err
	})
	return made, named(err, made.ID)
}

// Find looks for the batch of a mark among those made since a time. The list begins
// with the newest.
func (b *Batches) Find(ctx context.Context, model, mark string, since time.Time) (found Batch, ok bool, err error) {
	const (
		page  = 100 // the most there may be (API reference, "List batch")
		pages = 100 // a server whose list has no end
		skew  = time.Hour
	)
	oldest := int(since.Add(-skew).Unix())
	after := (*string)(nil)
	for range pages {
		var list wire.ListBatchResponse
		limit := page
		err = b.aside(ctx, model, side{}, func(ctx context.Context, api *wire.Client) (err error) {
			list, err = api.ListBatch(ctx, after, &limit)
			return err
		})
		if err != nil {
			return Batch{}, false, err
		}
		for _, one := range list.Data {
			if one.Metadata[batchMark] == mark {
				return batchOf(one), true, nil
			}
		}
		n := len(list.Data)
		if n == 0 || !list.HasMore || list.Data[n-1].CreatedAt < oldest {
			break
		}
		after = &list.Data[n-1].ID
	}
	return Batch{}, false, nil
}

// Retrieve tells how far a batch has come. One that is not there is [NoSuchModel].
func (b *Batches) Retrieve(ctx context.Context, model, id string) (found Batch, err error) {
	err = b.aside(ctx, model, side{}, func(ctx context.Context, api *wire.Client) error {
		response, err := api.RetrieveBatch(ctx, id)
		found = batchOf(response.Batch)
		return err
	})
	return found, named(err, found.ID)
}

// Cancel asks for a batch to be cancelled. What was answered until then is in its files,
// and is paid for.
func (b *Batches) Cancel(ctx context.Context, model, id string) error {
	return b.aside(ctx, model, side{}, func(ctx context.Context, api *wire.Client) error {
		_, err := api.CancelBatch(ctx, id)
		return err
	})
}

// Delete takes a file away from the provider.
func (b *Batches) Delete(ctx context.Context, model, file string) error {
	return b.aside(ctx, model, side{}, func(ctx context.Context, api *wire.Client) error { return api.DeleteFile(ctx, file) })
}

func batchOf(b wire.Batch) Batch {
	out := Batch{ID: b.ID, Status: BatchStatus(b.Status), Output: deref(b.OutputFileID), Errors: deref(b.ErrorFileID)}
	if b.Errors == nil {
		return out
	}
	for _, e := range b.Errors.Data {
		p := BatchProblem{Code: e.Code, Message: e.Message}
		if e.Line != nil {
			p.Line = *e.Line
		}
		out.Problems = append(out.Problems, p)
	}
	return out
}

// side says how a request differs from most.
type side struct {
	most int64         // bytes that are read of the answer; maxAnswer if 0
	copy *bytes.Buffer // has the answer's bytes, too
}

// aside makes a request that go-openai writes and reads, within the bounds of any
// other exchange with the server.
func (b *Batches) aside(ctx context.Context, model string, s side, do func(context.Context, *wire.Client) error) error {
	c := b.of(model).client
	timed, x, stop := begin(ctx, c.http, nil, c.timeout)
	defer stop()
	x.most, x.copy = cmp.Or(s.most, x.most), s.copy
	config := c.access.Load().config
	config.HTTPClient = x
	err := do(timed, wire.NewClientWithConfig(config))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return c.explainAside(timed, x, err)
}

// explainAside is explain for what is no question to a model. An error that the caller
// of aside has explained stays.
func (c *Client) explainAside(ctx context.Context, x *exchange, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	e := c.explain(ctx, c.name, x, err)
	switch e.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		e.Kind, e.Reason = Permanent, NoSuchModel
		e.Message = fmt.Sprintf("the server of model %q has no %s (%d); batches need OpenAI's own API, or a server that has its files and batches",
			c.name, x.in.Request.URL.Path, e.Status)
	}
	return e
}
