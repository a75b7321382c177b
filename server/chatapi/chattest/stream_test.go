package chattest_test

import (
	"strings"
	"testing"

	"drawbridge/server/chatapi/chattest"
)

const (
	head   = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"desk","choices":[{"index":0,"delta":`
	role   = head + `{"role":"assistant","content":""},"finish_reason":null}]}` + "\n\n"
	hello  = head + `{"content":"hello"},"finish_reason":null}]}` + "\n\n"
	finish = head + `{},"finish_reason":"stop"}],"drawbridge":{"run":"run_1","state":"succeeded"}}` + "\n\n"
	count  = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"desk","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}` + "\n\n"
	fault  = `data: {"error":{"message":"m","type":"t","param":null,"code":null}}` + "\n\n"
	done   = "data: [DONE]\n\n"
	call   = head + `{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"ring","arguments":"{}"}}]},"finish_reason":null}]}` + "\n\n"
	handed = head + `{},"finish_reason":"tool_calls"}],"drawbridge":{"run":"run_1","state":"waiting"}}` + "\n\n"
)

func TestReaderAcceptsWhatTheRulesAllow(t *testing.T) {
	for name, stream := range map[string]string{
		"words":                     role + hello + finish + done,
		"comments anywhere":         ": a\n\n" + role + ": b\n\n" + hello + finish + done,
		"nothing to say":            role + finish + done,
		"an error in the middle":    role + hello + fault + done,
		"an error behind a comment": ": a\n\n" + fault + done,
		"a call of the client's":    role + call + handed + done,
	} {
		if s := chattest.Read(strings.NewReader(stream), chattest.Asked{Own: []string{"ring"}}); len(s.Broken) > 0 {
			t.Errorf("%s: %q", name, s.Broken)
		}
	}
}

func TestReaderFindsEachBrokenRule(t *testing.T) {
	for name, test := range map[string]struct {
		stream string
		asked  chattest.Asked
		says   string
	}{
		"no role":                  {hello + finish + done, chattest.Asked{}, "role has to be in the first"},
		"two roles":                {role + role + finish + done, chattest.Asked{}, "role has to be in the first"},
		"no finish":                {role + hello + done, chattest.Asked{}, "no finish_reason"},
		"two finishes":             {role + finish + finish + done, chattest.Asked{}, "a choice behind the finish"},
		"words behind the finish":  {role + finish + hello + done, chattest.Asked{}, "a choice behind the finish"},
		"no done":                  {role + finish, chattest.Asked{}, "no [DONE]"},
		"something behind done":    {role + finish + done + ": x\n\n", chattest.Asked{}, "behind [DONE]"},
		"our call":                 {role + call + handed + done, chattest.Asked{}, "leaked: ring"},
		"calls without the reason": {role + call + finish + done, chattest.Asked{Own: []string{"ring"}}, "with 1 calls"},
		"reason without calls":     {role + handed + done, chattest.Asked{}, "with 0 calls"},
		"another id":               {role + strings.Replace(finish, "c1", "c2", 1) + done, chattest.Asked{}, "changed in the middle"},
		"another object":           {role + strings.Replace(finish, ".chunk", "", 1) + done, chattest.Asked{}, "object"},
		"usage not asked for":      {role + finish + count + done, chattest.Asked{}, "nobody asked"},
		"usage asked for":          {role + finish + done, chattest.Asked{Usage: true}, "no usage"},
		"finish behind an error":   {role + fault + finish + done, chattest.Asked{}, "behind an error"},
		"half an error":            {`data: {"error":{"message":"m"}}` + "\n\n" + done, chattest.Asked{}, "has no param"},
		"unknown member":           {role + strings.Replace(hello, `"content"`, `"contents"`, 1) + finish + done, chattest.Asked{}, "no client knows"},
		"cut off":                  {role + hello[:len(hello)-1], chattest.Asked{}, "no blank line"},
		"two lines":                {role + "event: x\n" + hello + finish + done, chattest.Asked{}, "several lines"},
		"no run":                   {role + strings.Replace(finish, "run_1", "", 1) + done, chattest.Asked{}, "does not name the run"},
	} {
		s := chattest.Read(strings.NewReader(test.stream), test.asked)
		if !strings.Contains(strings.Join(s.Broken, "\n"), test.says) {
			t.Errorf("%s: %q says nothing of %q", name, s.Broken, test.says)
		}
	}
}
