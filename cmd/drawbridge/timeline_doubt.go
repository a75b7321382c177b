package main

import (
	"fmt"
	"strings"

	"drawbridge/bridge"
)

// verdicts are decisions in words.
var verdicts = map[bridge.Verdict]string{bridge.Happened: "it happened", bridge.DidNotHappen: "it did not happen", bridge.GiveUp: "give up"}

// doubted tells of a call whose outcome nobody knew.
func (t *timeline) doubted(e bridge.Entry) ([]moment, error) {
	switch e.Kind {
	case bridge.EntryDoubt:
		return parse(e, func(d bridge.Doubt) []moment {
			return []moment{{What: "doubt", Tool: t.tools[place(d.Answer, d.Index)], Text: "nobody knows whether it took effect: " + d.Why, Bad: true}}
		})
	case bridge.EntryCheck:
		return parse(e, func(c bridge.Check) []moment {
			return []moment{{What: "looks", Tool: c.Tool, Text: string(c.Arguments), Key: c.Key}}
		})
	case bridge.EntryChecked:
		return parse(e, func(c bridge.Checked) []moment {
			text := strings.ReplaceAll(string(c.Finding), "_", " ")
			for _, more := range []string{c.Why, c.Content} {
				if more != "" {
					text += ": " + more
				}
			}
			return []moment{{What: "finds", Tool: t.tools[place(c.Answer, c.Index)], Text: text, Bad: c.Finding == bridge.Unclear}}
		})
	}
	if e.Kind == bridge.EntryApproval {
		return parse(e, func(a bridge.Approval) []moment {
			return []moment{{What: "asks", Tool: t.tools[place(a.Answer, a.Index)], Text: fmt.Sprintf("for approval %s, until %s", a.ID, when(a.Expires))}}
		})
	}
	if e.Kind == bridge.EntryApproved {
		return parse(e, func(a bridge.Approved) []moment {
			text := string(a.State)
			if a.By != "" {
				text += " by " + a.By
			}
			if a.Reason != "" {
				text += ": " + a.Reason
			}
			return []moment{{What: "agreed", Tool: t.tools[place(a.Answer, a.Index)], Text: text + " (approval " + a.ID + ")", Bad: a.State != bridge.ApprovalApproved}}
		})
	}
	return parse(e, func(d bridge.Decision) []moment {
		return []moment{{What: "person", Tool: t.tools[place(d.Answer, d.Index)], Text: verdicts[d.Verdict] + ", says " + d.By}}
	})
}
