package tools_test

import (
	"context"
	"errors"
	"testing"

	"drawbridge/tools"
)

func TestProgressReachesWhoeverAskedForIt(t *testing.T) {
	var got []tools.Progress
	ctx := tools.WithProgress(t.Context(), func(p tools.Progress) { got = append(got, p) })
	tools.ReportProgress(context.WithoutCancel(ctx), tools.Progress{Done: 1, Total: 2, Message: "half"})
	tools.ReportProgress(t.Context(), tools.Progress{Done: 2})
	if len(got) != 1 || got[0] != (tools.Progress{Done: 1, Total: 2, Message: "half"}) {
		t.Errorf("got %+v", got)
	}
}

func TestQuestionReachesThePersonOrNobody(t *testing.T) {
	if _, err := tools.Ask(t.Context(), tools.Question{Message: "?"}); !errors.Is(err, tools.ErrNobody) {
		t.Errorf("got %v", err)
	}
	if tools.AskerOf(t.Context()) != nil {
		t.Error("somebody is there")
	}
	ctx := tools.WithAsk(t.Context(), func(_ context.Context, q tools.Question) (tools.Reply, error) {
		return tools.Reply{Action: tools.Decline, Content: []byte(q.Message)}, nil
	})
	reply, err := tools.Ask(ctx, tools.Question{Message: "sure?"})
	if err != nil || reply.Action != tools.Decline || string(reply.Content) != "sure?" {
		t.Errorf("got %+v, %v", reply, err)
	}
}
