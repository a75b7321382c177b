package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"

	"drawbridge/bridge/openai"
)

// responseID is what OpenAI's ids of responses look like. It goes into a URL.
var responseID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// fetch adds to an event of OpenAI's the response that it names: the event itself says no
// more than that it is there. False: the event was put off, because OpenAI cannot be
// asked now, or it is done with, because the response is not to be had.
//
// Drawbridge starts no responses in the background itself: these are another program's.
func (d *Dispatcher) fetch(ctx context.Context, log *slog.Logger, event *StoredEvent) bool {
	said := openAIEvent(*event)
	if !d.settings.OpenAI[event.Source].Fetch || !strings.HasPrefix(said.Type, "response.") || !responseID.MatchString(said.Data.ID) {
		return true
	}
	response, err := d.o.Batches.Response(ctx, "", said.Data.ID)
	var failure *openai.Error
	switch {
	case err == nil:
		event.Response = response
		return true
	case errors.As(err, &failure) && (failure.Reason == openai.NoSuchModel || failure.Reason == openai.BadRequest):
		_, err = d.store.Route(ctx, event.ID, Routing{Status: Faulty, Note: "fetching the response " + said.Data.ID + ": " + failure.Message})
		if err != nil && !errors.Is(err, ErrEnded) {
			log.Error("routing an event", "err", err)
		}
	default:
		d.postpone(ctx, log.With("err", err), EventJob, event.ID, "event waits: the response that it names cannot be fetched now")
	}
	return false
}
